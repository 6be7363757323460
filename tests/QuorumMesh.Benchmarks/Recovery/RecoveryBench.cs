using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text.Json;
using QuorumMesh.Contracts;
using QuorumMesh.Enclave.Core;
using QuorumMesh.Enclave.Keys;
using QuorumMesh.TxManager.Core.Ports;
using QuorumMesh.TxManager.Storage;
using QuorumMesh.TxManager.Storage.Sqlite;

namespace QuorumMesh.Benchmarks.Recovery;

/// <summary>
/// A manager that lost its database, and one peer that has sent it everything: each with its enclave, four processes on loopback.
/// </summary>
internal sealed class RecoveryBench(int payloads, int payloadBytes) : IDisposable
{
    private const int AtOnce = 256;

    private readonly string _directory = Directory.CreateTempSubdirectory("qmesh-bench-").FullName;
    private readonly List<Process> _processes = [];

    public async Task RunAsync()
    {
        var (peer, own) = (new Manager(_directory, "peer"), new Manager(_directory, "own"));
        await SeedAsync(peer, own).ConfigureAwait(false);
        foreach (var manager in new[] { peer, own })
        {
            manager.WriteConfig([peer.Url, own.Url]);
            Start("quorummesh-enclave", manager, "--configfile", manager.EnclaveConfig);
        }

        Start("quorummesh-txmanager", peer, "-configfile", peer.Config);
        await ReadyAsync(peer).ConfigureAwait(false);
        var clock = Stopwatch.StartNew();
        var recovery = Start("quorummesh-txmanager", own, "-configfile", own.Config, "--recover");
        await recovery.WaitForExitAsync().ConfigureAwait(false);
        var took = clock.Elapsed.TotalSeconds;
        var end = File.ReadLines(own.Log).LastOrDefault(l => l.Contains("Recovery ended", StringComparison.Ordinal)) ?? "it told nothing";
        using var store = PayloadStore.Open(new SqliteProvider(own.Database), TimeProvider.System);
        var mark = await store.MarkAsync(0, default).ConfigureAwait(false);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"recovery of {payloads} payloads of {payloadBytes} bytes from one peer: {took:F1} s, {payloads / took:F0} a second, start, "
            + $"discovery and stop included; exit code {recovery.ExitCode}, {mark.Watermark} records"));
        Console.WriteLine(end);
    }

    public void Dispose()
    {
        foreach (var process in _processes)
        {
            if (!process.HasExited)
                process.Kill();
            process.WaitForExit();
            process.Dispose();
        }

        Directory.Delete(_directory, recursive: true);
    }

    /// <summary>What the peer would have after so many sends to the other.</summary>
    private async Task SeedAsync(Manager peer, Manager own)
    {
        using var cache = new SharedKeyCache(16);
        var sealer = new PayloadSealer(peer.Ring(), cache, RandomNumberGenerator.Fill);
        using var store = PayloadStore.Open(new SqliteProvider(peer.Database), TimeProvider.System);
        for (var done = 0; done < payloads; done += AtOnce)
            await Task.WhenAll(Enumerable.Range(0, Math.Min(AtOnce, payloads - done)).Select(_ =>
            {
                var made = sealer.Seal(RandomNumberGenerator.GetBytes(payloadBytes), peer.Key, [own.Key, peer.Key]);
                return store.SaveAsync(
                    made.ComputeHash(), made, [new(peer.Key, PartyRole.Sender), new(peer.Key, PartyRole.Recipient)], default);
            })).ConfigureAwait(false);
    }

    private Process Start(string program, Manager manager, params string[] arguments)
    {
        var start = new ProcessStartInfo("/bin/sh",
            ["-c", "exec dotnet \"$0\" \"$@\" >>\"$SERVICE_LOG\" 2>&1 </dev/null",
                Path.Combine(AppContext.BaseDirectory, program + ".dll"), .. arguments]);
        start.Environment["SERVICE_LOG"] = manager.Log;
        var process = Process.Start(start)!;
        _processes.Add(process);
        return process;
    }

    private static async Task ReadyAsync(Manager manager)
    {
        using var http = new HttpClient();
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < TimeSpan.FromMinutes(2); await Task.Delay(50).ConfigureAwait(false))
        {
            try
            {
                using var answer = await http.GetAsync(new Uri(manager.Health + "readyz")).ConfigureAwait(false);
                if (answer.IsSuccessStatusCode)
                    return;
            }
            catch (HttpRequestException)
            {
                // It still starts.
            }
        }

        throw new InvalidOperationException($"the manager is not ready: {File.ReadAllText(manager.Log)}");
    }

    private sealed class Manager
    {
        private readonly string _directory;

        public Manager(string parent, string name)
        {
            _directory = Directory.CreateDirectory(Path.Combine(parent, name)).FullName;
            Key = PublicKey.FromBase64(TesseraKeyFile.Generate(Path.Combine(_directory, "tm")).ToString());
        }

        public PublicKey Key { get; }

        public string Url { get; } = $"http://127.0.0.1:{FreePort()}/";

        public string Health { get; } = $"http://127.0.0.1:{FreePort()}/";

        public string Database => Path.Combine(_directory, "tm.db");

        public string Config => Path.Combine(_directory, "tm.json");

        public string EnclaveConfig => Path.Combine(_directory, "enclave.json");

        public string Log => Path.Combine(_directory, "log");

        private string Socket => "unix:" + Path.Combine(_directory, "enclave.ipc");

        public KeyRing Ring()
        {
            var secret = TesseraKeyFile.ReadPrivateKey(Path.Combine(_directory, "tm.key"));
            return new KeyRing([new EnclaveKeyPair(Key, secret, "peer", "1", EnclaveKeyState.Active)]);
        }

        public void WriteConfig(IEnumerable<string> peers)
        {
            var key = Path.Combine(_directory, "tm");
            File.WriteAllText(Config, JsonSerializer.Serialize(new
            {
                jdbc = new { url = "jdbc:sqlite:" + Database },
                serverConfigs = new object[]
                {
                    new { app = "Q2T", serverAddress = "unix:" + Path.Combine(_directory, "tm.ipc"), communicationType = "REST" },
                    new { app = "P2P", serverAddress = Url, communicationType = "REST" },
                    new { app = "ENCLAVE", serverAddress = Socket },
                },
                peer = peers.Select(url => new { url }),
                quorummesh = new { healthUrl = Health },
            }));
            File.WriteAllText(EnclaveConfig, JsonSerializer.Serialize(new
            {
                serverConfigs = new[] { new { app = "ENCLAVE", serverAddress = Socket, communicationType = "REST" } },
                keys = new { keyData = new[] { new { privateKeyPath = key + ".key", publicKeyPath = key + ".pub" } } },
            }));
        }

        private static int FreePort()
        {
            using var listener = new TcpListener(IPAddress.Loopback, 0);
            listener.Start();
            return ((IPEndPoint)listener.LocalEndpoint).Port;
        }
    }
}
