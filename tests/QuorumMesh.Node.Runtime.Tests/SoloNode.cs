using QuorumMesh.Chain;
using QuorumMesh.Chain.Payloads;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Consensus.Raft;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Node.Runtime.Raft;
using QuorumMesh.Primitives;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Runtime.Tests;

/// <summary>A cluster of one on a clock that the test moves: it leads and commits by itself.</summary>
internal sealed class SoloNode
{
    public const int BlockTime = 50;
    private const ushort RaftId = 1;

    private readonly byte[]? _genesis;
    private readonly long _payloadCacheBytes;
    private readonly ulong _privateRewindLimit;

    public SoloNode(byte[]? genesis = null, ulong? keptPublicBlocks = NodeCoreSetup.DefaultKeptPublicBlocks,
        long payloadCacheBytes = PayloadCache.DefaultCapacity,
        ulong privateRewindLimit = NodeCoreSetup.DefaultPrivateRewindLimit, IRaftLog? log = null)
    {
        Log = log ?? new MemoryRaftLog();
        (_genesis, KeptPublicBlocks, _payloadCacheBytes, _privateRewindLimit) = (genesis, keptPublicBlocks, payloadCacheBytes,
            privateRewindLimit);
        Start();
    }

    /// <summary>Counts from the next start on.</summary>
    public ulong? KeptPublicBlocks { get; set; }

    /// <summary>Counts from the next start on.</summary>
    public bool KeepsRevertReasons { get; set; }

    public RecordingStore Store { get; private set; } = new();
    public IRaftLog Log { get; }
    public NodeCore Core { get; private set; } = null!;
    public RaftDriver Raft { get; private set; } = null!;
    public NodeStores Stores { get; private set; } = null!;
    public NodeEvents Events { get; private set; } = null!;
    public List<PassedOverEvent> PassedOver { get; } = [];
    public List<RaftRefusedEvent> Refused { get; } = [];
    public SilentTransport Transport { get; } = new();
    public long Now { get; private set; }
    public ulong Head => Core.Head.Number;
    public ulong PrivateHead => Core.PrivateHead.Number;
    public Hash256 PrivateRoot => Stores.Private.Head.Root;

    /// <summary>Effects of the start: the restored journal is in them.</summary>
    public NodeEffects Started { get; private set; } = null!;

    /// <summary>Starts, or starts again on the same store and log; nothing in memory survives.</summary>
    public void Start()
    {
        Stores = TestChain.Open(Store, _genesis, KeepsRevertReasons);
        Events = new NodeEvents();
        Events.EntryPassedOver += PassedOver.Add;
        Events.RaftMessageRefused += Refused.Add;
        var config = new RaftConfig
        {
            Id = RaftId,
            Applied = ChainStore.GetAppliedRaftIndex(Store),
            ConfState = RaftMembers.LoadConfState(Store, Log)
        };
        var address = new RaftAddress(RaftId, TestChain.Signer(1).PublicKey, "127.0.0.1", 30303, 50400).Encode();
        var raft = new RaftSetup
        {
            Id = RaftId,
            Core = Log.LastIndex == 0
                ? RaftCore.Bootstrap(config with { ConfState = null }, Log, n => n / 2, [new RaftPeer(RaftId, address)])
                : new RaftCore(config, Log, n => n / 2),
            Log = Log,
            BlockTimeMs = BlockTime,
        };
        var setup = new NodeCoreSetup
        {
            Stores = Stores,
            Signer = TestChain.Signer(1),
            Events = Events,
            KeptPublicBlocks = KeptPublicBlocks,
            PayloadCacheBytes = _payloadCacheBytes,
            PrivateRewindLimit = _privateRewindLimit,
        };
        Raft = new RaftDriver(raft, Stores, setup.Signer, Events);
        Core = new NodeCore(setup, Raft);
        Core.Open(TimeOf(Now));
        Started = Step();
        for (var ticks = 0; !Raft.Core.IsLeader; ticks++)
        {
            Assert.True(ticks < 50, "no leader");
            Core.Tick();
            Step();
        }
    }

    /// <summary>Starts on what a crash has left of its store.</summary>
    public void StartOn(RecordingStore store)
    {
        Store = store;
        Start();
    }

    /// <summary>One pass of the loop at the present time.</summary>
    public NodeEffects Step(params NodeInput[] inputs)
    {
        NodeEffects last = null!;
        var (answers, broadcast) = (new List<NodeAnswer>(), new List<RecoveredTransaction>());
        var link = new RaftLink(Transport, static _ => { }, static () => { });
        NodePass.Run(Core, TimeOf(Now), inputs, static () => 0, effects =>
        {
            foreach (var effect in effects.Network) link.CarryOut(effect);
            answers.AddRange(effects.Answers);
            if (effects.Journalled is { } journalled)
            {
                Store.Sync();
                answers.AddRange(journalled.Answers);
                broadcast.AddRange(journalled.Broadcast);
            }
            last = effects;
        });
        last.Answers = answers;
        last.Broadcast.AddRange(broadcast);
        return last;
    }

    public NodeEffects After(long milliseconds, params NodeInput[] inputs)
    {
        Now += milliseconds;
        return Step(inputs);
    }

    /// <summary>Sends a local transaction past the block time, so that it is mined at once.</summary>
    public NodeEffects Mine(params Transaction[] transactions) => After(BlockTime, [.. transactions.Select(t => Local(t).Input)]);

    public (NodeInput Input, Reply<Hash256> Answer) Local(Transaction transaction)
    {
        var answer = new Reply<Hash256>();
        var recovered = Stores.Senders.Recover(transaction, Stores.Rules.SenderRulesAt(Head + 1));
        Assert.NotNull(recovered);
        return (new NodeInput.LocalTransaction(recovered, answer), answer);
    }

    public static NodeInput Answer(byte[] payload, PayloadAvailability availability, string? reason = null) =>
        new NodeInput.PayloadAnswers([AnswerOf(TestChain.HashOf(payload), payload, availability, reason)]);

    public static PayloadAnswer AnswerOf(PayloadHash hash, byte[] payload, PayloadAvailability availability, string? reason = null) =>
        availability switch
        {
            PayloadAvailability.Here => PayloadAnswer.Here(hash, payload),
            PayloadAvailability.NotAParty => PayloadAnswer.NotAParty(hash),
            PayloadAvailability.Missing => PayloadAnswer.Missing(hash),
            _ => PayloadAnswer.Unavailable(hash, reason ?? "not yet"),
        };

    public static NodeInput Arrived(byte[] payload, long sequence = 1) => new NodeInput.PayloadArrived(sequence, TestChain.HashOf(payload));

    private static NodeTime TimeOf(long now) => new(1_700_000_000_000_000_000UL + ((ulong)now * 1_000_000), now);
}
