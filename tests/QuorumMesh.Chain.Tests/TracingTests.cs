using QuorumMesh.Chain.Execution;
using QuorumMesh.Chain.Payloads;
using QuorumMesh.Chain.Tracing;
using QuorumMesh.Evm;
using QuorumMesh.Evm.Tests;
using QuorumMesh.Primitives;
using QuorumMesh.State;
using QuorumMesh.Tests;

namespace QuorumMesh.Chain.Tests;

/// <summary>
/// Every transaction of the recorded chains, executed again with all tracers: they must agree with the receipts and with each
/// other.
/// </summary>
public sealed class TracingTests
{
    private const long Plenty = long.MaxValue / 2;

    /// <summary>A party to most, and one to few, of every recording that is there.</summary>
    public static TheoryData<string, int> Nodes
    {
        get
        {
            var data = new TheoryData<string, int>();
            foreach (var name in RecordedChainTests.Networks)
                foreach (var node in (int[])[1, 3]) data.Add(name, node);
            return data;
        }
    }

    [VectorTheory]
    [MemberData(nameof(Nodes))]
    public void Traces_agree_with_receipts(string name, int nodeNumber)
    {
        var network = new RecordedNetwork(name);
        var node = new TestNode(network.Genesis, network.Profile);
        var failures = new List<string>();
        foreach (var block in network.Blocks.Skip(1))
        {
            using var before = node.Store.Snapshot();
            var replay = ReplayOf(node, block, node.Public.At(before, block.Number - 1), node.Private.At(before, block.Number - 1),
                network.PayloadsOf(nodeNumber));
            var imported = node.Import(block, network.PayloadsOf(nodeNumber));
            var views = ReceiptView.Merge(
                block.Transactions, imported.Execution.Receipts, imported.Execution.PrivateReceipts, node.Rules.Profile);
            foreach (var (transaction, view) in node.Recover(block).Zip(views))
            {
                try
                {
                    CheckTransaction(replay, transaction, view.Receipt, network.Profile);
                }
                catch (Exception e) when (e is InvalidOperationException or InvalidBlockException or Xunit.Sdk.XunitException)
                {
                    failures.Add($"block {block.Number}, {transaction.Tx.Hash}: {e.Message}");
                }
            }
            if (failures.Count > 0) break;
            CheckStates(replay, imported.Execution,
                network.Genesis.Config.RewardAccountAt(block.Number, block.Header.Coinbase, network.Profile));
        }
        Assert.True(failures.Count == 0, $"{failures.Count} differ:\n{string.Join('\n', failures.Take(5))}");
    }

    [VectorFact]
    public void A_transaction_that_nobody_watches_can_be_stopped()
    {
        var network = new RecordedNetwork("raft3-2.5.0");
        var node = new TestNode(network.Genesis, network.Profile);
        var block = network.Blocks.First(b => b.Transactions.Count > 0 && !b.Transactions[0].IsPrivate);
        foreach (var earlier in network.Blocks.Skip(1).TakeWhile(b => b.Number < block.Number)) node.Import(earlier, network.PayloadsOf(1));
        using var before = node.Store.Snapshot();
        using var stop = new CancellationTokenSource();
        var replay = ReplayOf(node, block, node.Public.At(before, block.Number - 1), null, _ => null, stop.Token);
        var transaction = node.Recover(block)[0];
        replay.Apply(transaction);
        stop.Cancel();
        Assert.Throws<ExecutionStoppedException>(() => replay.Apply(transaction));
    }

    private static BlockReplay ReplayOf(TestNode node, Block block, IStateReader publicState, IStateReader? privateState,
        Func<PayloadHash, PayloadAnswer?> payloads, CancellationToken stop = default) =>
        new(node.Rules, block.Header, new(publicState, privateState, node.HashAt, payloads), stop);

    private static void CheckTransaction(BlockReplay replay, RecoveredTransaction transaction, Receipt receipt,
        CompatibilityProfile profile)
    {
        var errors = new TraceErrors(profile.Trace, replay.Fork);
        var steps = new StructTracer(new StructLogOptions { Memory = false, Stack = false, Storage = false }, errors,
            new TraceBudget(Plenty));
        var calls = new CallTracer(new CallTracerOptions { WithLog = true }, errors, replay.Fork, new TraceBudget(Plenty));
        var prestate = new PrestateTracer(replay.PublicState, transaction.Tx.IsPrivate ? replay.PrivateState : null, keepsZeros: false,
            new TraceBudget(Plenty));
        var selectors = new FourByteTracer(replay.Fork, new TraceBudget(Plenty));
        var replayed = replay.Apply(transaction, new ManyTracers(new PriceChecker(), steps, calls, prestate, selectors));
        Assert.Equal((receipt.GasUsed, receipt.Status == 1), (replayed.Outcome.GasUsed, replayed.IsSuccess));
        // The code ran well, and what its privacy flag promises did not hold: the trace shows the run, the receipt what is left of it.
        var isTakenBack = replayed.Outcome.Private is { Fault: not PrivacyFault.None };
        Assert.Equal(receipt.Logs.Select(Show), isTakenBack ? [] : LogsOf(calls.Top).Select(Show));
        if (calls.Top is { } top)
        {
            Assert.Equal(receipt.Status == 0, top.Error is not null || isTakenBack);
            Assert.Equal(transaction.Sender, top.From);
            Assert.Contains(prestate.Before(), a => a.Address == transaction.Sender);
        }
        else
        {
            Assert.Empty(steps.Logs);
            Assert.True(transaction.Tx.IsPrivate);
        }
        var (before, after) = prestate.Difference(replayed);
        Assert.Equal(transaction.Tx.Nonce + 1, after[transaction.Sender].Nonce);
        Assert.Equal(transaction.Tx.Nonce, before[transaction.Sender].Nonce);
        replay.Advance(replayed);
    }

    /// <summary>
    /// The transactions one by one come to what the block does as a whole, the reward aside, and precompiles that GoQuorum from
    /// 2.6 on leaves as empty accounts after they were cleared in an earlier transaction of the block.
    /// </summary>
    private static void CheckStates(BlockReplay replay, BlockExecution execution, Address rewarded)
    {
        CheckState(replay.PublicState, execution.PublicChanges, rewarded);
        CheckState(replay.PrivateState!, execution.PrivateChanges!, rewarded);
    }

    private static void CheckState(StateOverlay overlay, StateChangeSet changes, Address rewarded)
    {
        foreach (var (address, change) in changes.Accounts)
        {
            if (address.IsZero || address == rewarded) continue;
            var account = overlay.GetAccount(address);
            if (account is null && change.New is { IsEmpty: true }) continue;
            Assert.Equal((address, change.New?.Nonce, change.New?.Balance, change.New?.CodeHash),
                (address, account?.Nonce, account?.Balance, account?.CodeHash));
            foreach (var (slot, (_, value)) in change.Storage) Assert.Equal(value, overlay.GetStorage(address, slot));
        }
    }

    private static IEnumerable<LogEntry> LogsOf(CallFrame? frame)
    {
        if (frame is null) yield break;
        for (var i = 0; i <= frame.Calls.Count; i++)
        {
            foreach (var log in frame.Logs.Where(l => l.Position == i)) yield return new LogEntry(log.Address, log.Topics, log.Data);
            if (i == frame.Calls.Count) yield break;
            foreach (var log in LogsOf(frame.Calls[i])) yield return log;
        }
    }

    private static string Show(LogEntry log) => $"{log.Address} {string.Join(',', log.Topics)} {Hex.ToHex(log.Data)}";

    internal sealed class ManyTracers(params IEvmTracer[] tracers) : IEvmTracer
    {
        public void Step(in EvmStep step)
        {
            foreach (var tracer in tracers) tracer.Step(step);
        }

        public void Enter(int depth, Opcode kind, in Address from, in Address to, ReadOnlySpan<byte> input, ulong gas, in UInt256 value)
        {
            foreach (var tracer in tracers) tracer.Enter(depth, kind, from, to, input, gas, value);
        }

        public void Exit(int depth, EvmStatus status, ulong gasUsed, ReadOnlySpan<byte> output)
        {
            foreach (var tracer in tracers) tracer.Exit(depth, status, gasUsed, output);
        }
    }
}
