using System.Diagnostics;
using QuorumMesh.Evm;
using QuorumMesh.Evm.Compiler;
using QuorumMesh.Primitives;
using QuorumMesh.State;

namespace QuorumMesh.Node.Runtime.Tests;

public class CompilationWorkerTests
{
    private static readonly Address _caller = Address.Parse("0x1000000000000000000000000000000000000001");
    private static readonly Address _contract = Address.Parse("0x2000000000000000000000000000000000000001");

    // Counts 100,000 down in a loop and returns 0x4242.
    private static readonly byte[] _loop = Convert.FromHexString("620186a05b600190038060045761424260005260206000f3");

    private readonly CodeCache _codes = new();

    [Fact]
    public void Hot_code_is_compiled_beside_its_run_and_gives_the_same()
    {
        var failures = new List<Exception>();
        EvmResult expected = Run(EvmTier.Interpreter);
        Assert.Equal(EvmStatus.Success, expected.Status);
        using (var worker = new CompilationWorker(_codes, failures.Add))
        {
            var clock = Stopwatch.StartNew();
            while (worker.Compiled == 0 && clock.Elapsed < TimeSpan.FromSeconds(60)) AssertSame(expected, Run(EvmTier.Auto));
            Assert.NotEqual(0, worker.Compiled);
            AssertSame(expected, Run(EvmTier.Auto));
        }

        Assert.Empty(failures);
        AssertSame(expected, Run(EvmTier.Auto));
    }

    private static void AssertSame(EvmResult expected, EvmResult actual)
    {
        Assert.Equal((expected.Status, expected.GasLeft), (actual.Status, actual.GasLeft));
        Assert.Equal(expected.Output, actual.Output);
    }

    private EvmResult Run(EvmTier tier)
    {
        var state = new WorldState(EmptyState.Instance);
        state.SetCode(_contract, _loop);
        state.BeginTransaction();
        var machine = new EvmMachine(new BlockContext { GasLimit = 100_000_000 }, Fork.Istanbul,
            EvmOptions.Default with { Code = _codes, Tier = tier });
        return machine.Call(_caller, default, _caller, _contract, [], 100_000_000, default, state, state);
    }
}
