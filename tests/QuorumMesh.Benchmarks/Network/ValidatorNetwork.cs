using System.Diagnostics;
using QuorumMesh.Chain;
using QuorumMesh.Cli.Demo;
using QuorumMesh.Cli.Network;

namespace QuorumMesh.Benchmarks.Network;

/// <summary>Validators of one kind on a chain of their own, with a period of 1 s.</summary>
internal sealed class ValidatorNetwork : IDisposable
{
    public const ulong ChainId = 10;

    private readonly string _directory = Directory.CreateTempSubdirectory("qmesh-bench-bft-").FullName;
    private readonly List<ValidatorProcess> _validators;
    private readonly string _genesis;

    /// <param name="consensus">ibft or qbft.</param>
    /// <param name="program">Path of a geth of GoQuorum, or of a node of ours.</param>
    public ValidatorNetwork(string name, string consensus, int count, string program)
    {
        Name = name;
        var port = DemoCommand.FreePorts(count);
        _validators = [.. Enumerable.Range(0, count).Select(i =>
            new ValidatorProcess(_directory, program, port + (i * ValidatorProcess.Ports), ChainId))];
        _genesis = Path.Combine(_directory, "genesis.json");
        // The rules of GoQuorum 2.5 on both sides of an IBFT comparison.
        var (fork, profile) = consensus == NetworkRequest.Ibft
            ? ("constantinople", CompatibilityProfile.V2_5.Name)
            : ("berlin", CompatibilityProfile.V24.Name);
        File.WriteAllText(_genesis, GenesisTemplate.Create(
            new NetworkRequest(_directory, count, consensus, fork, ChainId, profile, PortOffset: 0), ChainId, [],
            [.. _validators.Select(v => v.Address)]));
    }

    public string Name { get; }

    public IReadOnlyList<ValidatorProcess> Validators => _validators;

    /// <summary>Starts all, and waits for two blocks.</summary>
    /// <returns>Seconds from the first start to the first block after the heads that were there.</returns>
    public async Task<double> StartAsync()
    {
        var clock = Stopwatch.StartNew();
        var enodes = _validators.ConvertAll(v => v.Enode);
        foreach (var validator in _validators) validator.Launch(_genesis, enodes);
        foreach (var validator in _validators) await validator.ReadyAsync().ConfigureAwait(false);
        var head = await _validators[0].HeadAsync().ConfigureAwait(false);
        await HeadReachesAsync(head + 1).ConfigureAwait(false);
        var first = clock.Elapsed.TotalSeconds;
        await HeadReachesAsync(head + 2).ConfigureAwait(false);
        return first;
    }

    public async Task HeadReachesAsync(ulong number)
    {
        while (await _validators[0].HeadAsync().ConfigureAwait(false) < number) await Task.Delay(5).ConfigureAwait(false);
    }

    public double CpuSeconds() => _validators.Sum(v => v.CpuSeconds());

    public void Dispose()
    {
        foreach (var validator in _validators) validator.Dispose();
        if (Environment.GetEnvironmentVariable("BENCH_KEEP") is null) Directory.Delete(_directory, recursive: true);
        else Console.WriteLine($"kept in {_directory}");
    }
}
