using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json;
using QuorumMesh.Primitives;

namespace QuorumMesh.Benchmarks.Network;

/// <summary>A validator of an IBFT or QBFT chain as a process, on loopback, without a transaction manager: ours, or GoQuorum's.</summary>
internal sealed class ValidatorProcess : IDisposable
{
    public const int Ports = 2;
    private const string Namespaces = "eth,net,istanbul,admin";

    private readonly byte[] _key = NewKey();
    private readonly string _directory;
    private readonly string _program;
    private readonly bool _isGeth;
    private readonly int _port;
    private readonly ulong _chainId;
    private readonly bool _validates;
    private Process? _process;

    /// <param name="program">Path of a geth of GoQuorum, or of a node of ours.</param>
    /// <param name="port">This and the next one are its own.</param>
    /// <param name="validates">Otherwise it only follows.</param>
    public ValidatorProcess(string parent, string program, int port, ulong chainId, bool validates = true)
    {
        (_program, _port, _chainId, _validates) = (program, port, chainId, validates);
        _isGeth = Path.GetFileName(program) != "quorummesh-node";
        _directory = Directory.CreateDirectory(Path.Combine(parent, $"{port}")).FullName;
        var key = Path.Combine(_directory, _isGeth ? "geth/nodekey" : "nodekey");
        Directory.CreateDirectory(Path.GetDirectoryName(key)!);
        File.WriteAllText(key, Hex.ToHex(_key, prefix: false));
        Rpc = new RpcConnection($"http://127.0.0.1:{port + 1}");
    }

    public RpcConnection Rpc { get; }

    public Address Address => Secp256k1.AddressOf(Secp256k1.PublicKey(_key));

    public string Enode => $"enode://{Hex.ToHex(Secp256k1.PublicKey(_key), prefix: false)}@127.0.0.1:{_port}?discport=0";

    private string Log => Path.Combine(_directory, "log");

    /// <summary>Starts it on what its directory holds.</summary>
    public void Launch(string genesis, IEnumerable<string> peers)
    {
        File.WriteAllText(Path.Combine(_directory, "static-nodes.json"), JsonSerializer.Serialize(peers.Where(p => p != Enode)));
        Initialise(genesis);
        _process?.Dispose();
        _process = Start(_program, Arguments(genesis));
    }

    /// <summary>Executes the blocks of a file, before its first start.</summary>
    public void Import(string genesis, string blocks)
    {
        Initialise(genesis);
        Run(_isGeth ? ["--datadir", _directory, "--nousb", "import", blocks]
            : ["import", blocks, "--datadir", _directory, "--genesis", genesis]);
    }

    private void Initialise(string genesis)
    {
        if (_isGeth && !Directory.Exists(Path.Combine(_directory, "geth", "chaindata"))) Run("--datadir", _directory, "init", genesis);
    }

    private void Run(params string[] arguments)
    {
        using var process = Start(_program, arguments);
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{_program} {string.Join(' ', arguments)} failed: {LastOutput()}");
    }

    public async Task ReadyAsync()
    {
        while (true)
        {
            if (_process is not { HasExited: false }) throw new InvalidOperationException($"the validator ended: {LastOutput()}");
            try
            {
                await HeadAsync().ConfigureAwait(false);
                return;
            }
            catch (HttpRequestException)
            {
                await Task.Delay(20).ConfigureAwait(false);
            }
        }
    }

    public Task<ulong> HeadAsync() => Rpc.QuantityAsync("eth_blockNumber", _ => { });

    /// <summary>User and system time since its start, of all its threads.</summary>
    public double CpuSeconds()
    {
        if (_process is not { HasExited: false } process) return 0;
        process.Refresh();
        return process.TotalProcessorTime.TotalSeconds;
    }

    /// <summary>Memory that it has now.</summary>
    public long ResidentBytes()
    {
        if (_process is not { HasExited: false } process) return 0;
        process.Refresh();
        return process.WorkingSet64;
    }

    public void Kill()
    {
        _process?.Kill();
        _process?.WaitForExit();
    }

    public void Dispose()
    {
        if (_process is { HasExited: false }) Kill();
        _process?.Dispose();
        Rpc.Dispose();
    }

    /// <summary>Both with the period of 1 s and what else is their default; GoQuorum 2.5 has it from the command line alone.</summary>
    private IEnumerable<string> Arguments(string genesis)
    {
        string[] common = ["--datadir", _directory, "--networkid", $"{_chainId}", "--port", $"{_port}", "--istanbul.blockperiod", "1",
            .. _validates ? ["--mine", "--minerthreads", "1"] : Array.Empty<string>(), "--syncmode", "full", "--nodiscover"];
        return _isGeth
            ? [.. common, "--nousb", "--rpc", "--rpcaddr", "127.0.0.1", "--rpcport", $"{_port + 1}", "--rpcapi", Namespaces]
            : [.. common, "--genesis", genesis, "--listen", "127.0.0.1", "--http", "--http.port", $"{_port + 1}", "--http.api", Namespaces];
    }

    private Process Start(string program, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo("/bin/sh", ["-c", "exec \"$0\" \"$@\" >>\"$NODE_LOG\" 2>&1 </dev/null", program, .. arguments]);
        (start.Environment["NODE_LOG"], start.Environment["PRIVATE_CONFIG"]) = (Log, "ignore");
        return Process.Start(start)!;
    }

    private string LastOutput() => File.Exists(Log) ? string.Join('\n', File.ReadLines(Log).TakeLast(10)) : "";

    private static byte[] NewKey()
    {
        var key = RandomNumberGenerator.GetBytes(Hash256.Size);
        key[0] &= 0x7f; // below the order of the curve
        return key;
    }
}
