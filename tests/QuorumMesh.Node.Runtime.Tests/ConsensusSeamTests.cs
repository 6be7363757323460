using QuorumMesh.Chain;
using QuorumMesh.Chain.Engines;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Chain.Payloads;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Node.Runtime.Consensus;
using QuorumMesh.Node.Runtime.Health;
using QuorumMesh.Primitives;
using QuorumMesh.State.KeyValue;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Runtime.Tests;

/// <summary>
/// What the core does for a driver, whatever its engine: the driver here is a script that follows the steps of a BFT engine.
/// </summary>
public sealed class ConsensusSeamTests
{
    private static readonly byte[] Key = TestChain.Key(1);
    private readonly RecordingStore _store = new();
    private readonly NodeStores _stores;
    private readonly Script _script = new();
    private readonly NodeCore _core;
    private readonly List<string> _done = [];
    private long _now;

    public ConsensusSeamTests()
    {
        _stores = TestChain.Open(_store);
        _core = new NodeCore(new NodeCoreSetup { Stores = _stores, Signer = TestChain.Signer(1) }, _script);
        _core.Open(new NodeTime(0, 0));
        _store.Written = (_, sync) => _done.Add(sync ? "flush" : "write");
    }

    [Fact]
    public void A_lock_is_flushed_before_the_vote_that_rests_on_it_goes_out()
    {
        _script.On<Heard>((_, outputs) =>
        {
            var batch = new KeyValueBatch();
            ChainStore.PutMeta(batch, "lock", [7]);
            outputs.Add(new ConsensusOutput.Persist(batch));
            outputs.Transmit(new Vote("prepare"));
        });
        Pass(new Heard("proposal"));
        Assert.Equal(["flush", "send prepare"], _done);
        Assert.Equal([7], ChainStore.GetMeta(_store, "lock")!.Value.ToArray());
    }

    [Fact]
    public void Timers_are_durations_fire_once_and_begin_anew_when_set_again()
    {
        _script.On<Heard>((heard, outputs) => outputs.Add(new ConsensusOutput.SetTimer(
            ConsensusTimer.Deadline, heard.What == "stop" ? null : TimeSpan.FromSeconds(10))));
        Pass(new Heard("round 0"));
        Assert.Equal(10_000, _wakeAt);
        _now = 4_000;
        Pass(new Heard("round 1"));
        Assert.Equal(14_000, _wakeAt);
        _now = 13_999;
        Pass();
        Assert.Empty(_script.Seen<ConsensusInput.TimerFired>());
        _now = 14_000;
        Pass();
        Pass();
        Assert.Equal(ConsensusTimer.Deadline, Assert.Single(_script.Seen<ConsensusInput.TimerFired>()).Timer);
        Assert.Null(_wakeAt);
        Pass(new Heard("round 2"), new Heard("stop"));
        Assert.Null(_wakeAt);
    }

    [Fact]
    public void A_wait_that_is_set_behind_a_long_block_begins_then_and_not_with_the_pass()
    {
        var (elapsed, script) = (0L, new Script());
        var stores = TestChain.Open(new RecordingStore());
        var core = new NodeCore(new NodeCoreSetup { Stores = stores, Signer = TestChain.Signer(1), Elapsed = () => elapsed }, script);
        core.Open(new NodeTime(0, 0));
        var times = new List<NodeTime>();
        script.Stepped = times.Add;
        script.On<ConsensusInput.MayPropose>((_, outputs) => outputs.Add(new ConsensusOutput.BuildBlock(
            new RaftBlockProducer(stores.Rules.Config, stores.Rules.Profile).Prepare(core.Head, BlockTime.OfNanoseconds(1)), default, [],
            new HashSet<Hash256>(), new BuildLimits(Stop: () => (elapsed += 5_000) < 0), MayBeEmpty: false)));
        script.On<ConsensusInput.BlockBuilt>((_, outputs) =>
            outputs.Add(new ConsensusOutput.SetTimer(ConsensusTimer.Deadline, TimeSpan.FromSeconds(4))));
        // Looked at once, behind the only transaction.
        NodeInput[] inputs = [new NodeInput.LocalTransaction(
            stores.Senders.Recover(TestChain.Public(Key, 0), stores.Rules.SenderRulesAt(1))!, new Reply<Hash256>())];
        Assert.Equal(9_000, NodePass.Run(core, new NodeTime(1_000, 0), inputs, static () => 0, static _ => { }));
        Assert.Equal(new NodeTime(5_000_001_000, 5_000), times[^1]);
    }

    [Fact]
    public void A_block_is_built_verified_and_committed_with_what_the_driver_stores_beside_it()
    {
        Propose("commit");
        var built = Assert.Single(_script.Seen<ConsensusInput.BlockBuilt>()).Block!;
        Assert.Equal(TestChain.Public(Key, 0).Hash, Assert.Single(built.Block.Transactions).Hash);
        Assert.NotNull(Assert.Single(_script.Seen<ConsensusInput.BlockVerified>()).Executed);
        Assert.Equal((1ul, built.Block.Hash), (_core.Head.Number, _core.Head.Hash));
        Assert.Equal(built.Block.Hash, Assert.Single(_script.Seen<ConsensusInput.BlockImported>()).Block.Hash);
        Assert.Equal([9], ChainStore.GetMeta(_store, "height")!.Value.ToArray());

        // The row of the transaction, and the block's own batch; the vote had gone out before it was executed.
        Assert.Equal(["write", "send proposal", "write"], _done);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_only_a_party_holds_is_not_run_before_the_vote_and_follows_the_decision(bool isParty)
    {
        var payload = TestChain.RollingContract;
        var hash = TestChain.HashOf(payload);
        Pass(new NodeInput.PayloadAnswers([isParty ? PayloadAnswer.Here(hash, payload) : PayloadAnswer.NotAParty(hash)]));
        Propose("commit", TestChain.Private(Key, 0, payload), publicAlone: true);
        var built = Assert.Single(_script.Seen<ConsensusInput.BlockBuilt>()).Block!;
        var verified = Assert.Single(_script.Seen<ConsensusInput.BlockVerified>()).Executed!;
        Assert.Single(verified.Block.Transactions);
        Assert.Null(built.Imported.PrivateLayer);
        Assert.Null(verified.Imported.PrivateLayer);
        Assert.Equal((1ul, 1ul), (_core.Head.Number, _core.PrivateHead.Number));
        var contract = Address.ForCreate(TestChain.AddressOf(Key), 0);
        Assert.Equal(isParty, _stores.Private.Head.GetAccount(contract) is { } account && account.CodeHash != Hash256.EmptyCode);
    }

    [Fact]
    public void Without_private_transactions_both_sides_of_a_proposal_go_along()
    {
        Propose("commit", publicAlone: true);
        Assert.NotNull(Assert.Single(_script.Seen<ConsensusInput.BlockBuilt>()).Block!.Imported.PrivateLayer);
        Assert.NotNull(Assert.Single(_script.Seen<ConsensusInput.BlockVerified>()).Executed!.Imported.PrivateLayer);
        Assert.Equal(1ul, _core.PrivateHead.Number);
    }

    [Fact]
    public void A_proposal_that_breaks_a_rule_is_told_and_nothing_of_it_is_stored()
    {
        Propose("spoil");
        var refused = Assert.Single(_script.Seen<ConsensusInput.BlockVerified>());
        Assert.Null(refused.Executed);
        Assert.NotEmpty(refused.Reason!);
        Assert.Equal((0ul, 1), (_core.Head.Number, _core.Pool.PendingCount));
        Assert.Equal(["write", "send proposal"], _done); // the row of the transaction alone
    }

    [Fact]
    public void A_committed_block_that_does_not_execute_leaves_the_head_where_it_is()
    {
        Propose("commit spoilt");
        Assert.NotEmpty(Assert.Single(_script.Seen<ConsensusInput.BlockFailed>()).Reason);
        Assert.Empty(_script.Seen<ConsensusInput.BlockImported>());
        Assert.Equal(0ul, _core.Head.Number);
    }

    [Fact]
    public void A_block_that_was_executed_before_another_became_the_head_is_not_written()
    {
        var producer = new RaftBlockProducer(_stores.Rules.Config, _stores.Rules.Profile);
        var built = new List<ExecutedBlock>();
        _script.On<Heard>((_, outputs) =>
        {
            foreach (var time in new[] { 1ul, 2ul })
                outputs.Add(new ConsensusOutput.BuildBlock(producer.Prepare(_core.Head, BlockTime.OfNanoseconds(time)), default, [],
                    new HashSet<Hash256>(), new BuildLimits(), MayBeEmpty: true));
        });
        _script.On<ConsensusInput.BlockBuilt>((answer, outputs) =>
        {
            built.Add(answer.Block!);
            if (built.Count < 2) return;
            foreach (var block in built) outputs.Add(new ConsensusOutput.Commit(block.Block, block, Alongside: null));
        });
        Pass(new Heard("two siblings"));
        var (first, second) = (built[0].Block, built[1].Block);
        Assert.NotEqual(first.Hash, second.Hash);
        Assert.Equal((first.Hash, first.Hash), (_core.Head.Hash, ChainStore.GetCanonicalHash(_store, 1)));
        Assert.Equal(first.Hash, Assert.Single(_script.Seen<ConsensusInput.BlockImported>()).Block.Hash);
        var failed = Assert.Single(_script.Seen<ConsensusInput.BlockFailed>());
        Assert.Equal(second.Hash, failed.Block.Hash);
        Assert.Contains("does not build on the head", failed.Reason, StringComparison.Ordinal);
        Assert.Null(ChainStore.GetHeader(_store, second.Hash));
    }

    private long? _wakeAt;

    /// <summary>Builds a block of one transaction, proposes it, verifies it as the others do, and then does what the word says.</summary>
    private void Propose(string then, Transaction? transaction = null, bool publicAlone = false)
    {
        var producer = new RaftBlockProducer(_stores.Rules.Config, _stores.Rules.Profile);
        var sent = false;
        _script.On<ConsensusInput.MayPropose>((turn, outputs) =>
        {
            if (turn.Pending == 0 || sent) return;
            sent = true;
            var header = producer.Prepare(_core.Head, BlockTime.OfNanoseconds(1));
            outputs.Add(new ConsensusOutput.BuildBlock(header, default, [], new HashSet<Hash256>(), new BuildLimits(), MayBeEmpty: false,
                PublicAlone: publicAlone));
        });
        _script.On<ConsensusInput.BlockBuilt>((built, outputs) =>
        {
            outputs.Transmit(new Vote("proposal"));
            outputs.Add(new ConsensusOutput.VerifyBlock(then == "spoil" ? Spoilt(built.Block!.Block) : built.Block!.Block));
        });
        _script.On<ConsensusInput.BlockVerified>((verified, outputs) =>
        {
            if (verified.Executed is null) return;
            var beside = new KeyValueBatch();
            ChainStore.PutMeta(beside, "height", [9]);
            outputs.Add(then == "commit"
                ? new ConsensusOutput.Commit(verified.Block, verified.Executed, beside)
                : new ConsensusOutput.Commit(Spoilt(verified.Block), null, beside));
        });
        var recovered = _stores.Senders.Recover(transaction ?? TestChain.Public(Key, 0), _stores.Rules.SenderRulesAt(1))!;
        Pass(new NodeInput.LocalTransaction(recovered, new Reply<Hash256>()));
    }

    private static Block Spoilt(Block block) => block with { Header = block.Header with { StateRoot = Keccak.Hash([1]) } };

    private void Pass(params NodeInput[] inputs) => _wakeAt = NodePass.Run(_core, new NodeTime(0, _now), inputs, static () => 0, effects =>
    {
        foreach (var effect in effects.Network) _done.Add($"send {((Vote)effect).What}");
    });

    private sealed record Heard(string What) : ConsensusInput;

    private sealed record Vote(string What) : NetworkEffect;

    internal sealed class Script : IConsensusDriver
    {
        private readonly Dictionary<Type, Action<ConsensusInput, ConsensusOutputs>> _acts = [];
        private readonly List<ConsensusInput> _seen = [];

        public string? Refusal => null;

        public Action<NodeTime> Stepped { get; set; } = static _ => { };

        public Electorate Electorate { get; } = Electorate.Majority(new HashSet<string>());

        public void On<T>(Action<T, ConsensusOutputs> act)
            where T : ConsensusInput => _acts[typeof(T)] = (input, outputs) => act((T)input, outputs);

        public IEnumerable<T> Seen<T>() => _seen.OfType<T>();

        public void Step(ConsensusInput input, NodeTime now, ConsensusOutputs outputs)
        {
            _seen.Add(input);
            Stepped(now);
            if (_acts.TryGetValue(input.GetType(), out var act)) act(input, outputs);
        }
    }
}
