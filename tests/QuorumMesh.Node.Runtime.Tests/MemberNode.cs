using QuorumMesh.Chain;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Consensus.Raft;
using QuorumMesh.Node.Runtime.Health;
using QuorumMesh.Node.Runtime.Raft;
using QuorumMesh.State;
using QuorumMesh.State.KeyValue;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Runtime.Tests;

/// <summary>Member 1 of a cluster of three, whose other members are played by the test.</summary>
internal sealed class MemberNode
{
    private const ushort RaftId = 1;
    private const int Members = 3;

    private readonly RecordingStore _store = new();
    private readonly IRaftLog _log;

    /// <param name="chain">Whose blocks this node has; null for none but the genesis.</param>
    /// <param name="log">Null for one in memory.</param>
    public MemberNode(SoloNode? chain = null, IRaftLog? log = null)
    {
        _log = log ?? new MemoryRaftLog();
        if (chain is not null) Copy(chain, _store, chain.Head);
        Start();
    }

    public NodeCore Core { get; private set; } = null!;
    public RaftDriver Raft { get; private set; } = null!;
    public NodeStores Stores { get; private set; } = null!;
    public IRaftLog Log => _log;
    public RecordingStore Store => _store;
    public SilentTransport Transport { get; private set; } = null!;
    public NodeEvents Events { get; private set; } = null!;
    public List<HeadStandingEvent> Standings { get; } = [];
    public List<LeaderEvent> Leaders { get; } = [];
    public List<string> Left { get; } = [];
    public int Closed { get; private set; }
    public long Now { get; private set; }
    public NodeEffects Started { get; private set; } = null!;

    public static string IdOf(int member) => Convert.ToHexStringLower(TestChain.Signer(member).PublicKey);

    public static void Copy(SoloNode from, IKeyValueStore to, ulong upTo)
    {
        var importer = new ChainImporter(TestChain.Open(to), null);
        for (var number = 1UL; number <= upTo; number++) Assert.True(importer.Import(ChainStore.GetBlock(from.Store, number)!));
    }

    /// <summary>Again, as after a restart: only store and log survive.</summary>
    public void Start()
    {
        Stores = TestChain.Open(_store);
        Events = new NodeEvents();
        Events.HeadStandingChanged += Standings.Add;
        Events.LeaderChanged += Leaders.Add;
        Events.LeftCluster += Left.Add;
        Transport = new SilentTransport();
        Closed = 0;
        var config = new RaftConfig
        {
            Id = RaftId,
            Applied = ChainStore.GetAppliedRaftIndex(_store),
            ConfState = RaftMembers.LoadConfState(_store, _log)
        };
        var raft = new RaftSetup
        {
            Id = RaftId,
            Core = _log.LastIndex == 0
                ? RaftCore.Bootstrap(config with { Applied = 0, ConfState = null }, _log, n => n / 2,
                [.. Enumerable.Range(1, Members).Select(Peer)]) : new RaftCore(config, _log, n => n / 2),
            Log = _log,
        };
        var setup = new NodeCoreSetup { Stores = Stores, Signer = TestChain.Signer(RaftId), Events = Events };
        Raft = new RaftDriver(raft, Stores, setup.Signer, Events);
        Core = new NodeCore(setup, Raft);
        Core.Open(TimeOf(Now));
        Started = Step();
    }

    public NodeEffects Step(params NodeInput[] inputs)
    {
        NodeEffects last = null!;
        var answers = new List<NodeAnswer>();
        var link = new RaftLink(Transport, static _ => { }, () => Closed++);
        NodePass.Run(Core, TimeOf(Now), inputs, static () => 0, effects =>
        {
            foreach (var effect in effects.Network) link.CarryOut(effect);
            answers.AddRange(effects.Answers);
            if (effects.Journalled is not null) _store.Sync();
            if (effects.Journalled is { } journalled) answers.AddRange(journalled.Answers);
            last = effects;
        });
        last.Answers = answers;
        return last;
    }

    public NodeEffects After(long milliseconds, params NodeInput[] inputs)
    {
        Now += milliseconds;
        return Step(inputs);
    }

    /// <summary>Ticks of 50 ms, each with a pass.</summary>
    public void Tick(int count)
    {
        for (var i = 0; i < count; i++)
        {
            Core.Tick();
            After(50);
        }
    }

    /// <summary>The acknowledgement of a transaction sent to this node.</summary>
    public async Task SubmitAsync(ulong nonce)
    {
        var answer = new Reply<Primitives.Hash256>();
        var recovered = Stores.Senders.Recover(TestChain.Public(TestChain.Key(500), nonce),
            Stores.Rules.SenderRulesAt(Core.Head.Number + 1));
        foreach (var given in Step(new NodeInput.LocalTransaction(recovered!, answer)).Answers) given.Deliver();
        Assert.True(answer.Task.IsCompleted, "no answer");
        await answer.Task;
    }

    /// <summary>Blocks from member 2 as the leader of a term, committed at once.</summary>
    public NodeInput CommittedBlocks(ulong term, params Block[] blocks) =>
        Committed(term, RaftEntryType.Normal, blocks, static b => b.Encode());

    /// <summary>Changes from member 2 as the leader of a term, committed at once.</summary>
    public NodeInput Committed(ulong term, params RaftConfChange[] changes) =>
        Committed(term, RaftEntryType.ConfChange, changes, RaftWire.Encode);

    private RaftInput.Message Committed<T>(ulong term, RaftEntryType type, T[] values, Func<T, byte[]> encode) => new(new RaftMessage
    {
        Type = RaftMessageType.App,
        From = 2,
        To = RaftId,
        Term = term,
        Index = _log.LastIndex,
        LogTerm = _log.Entries(_log.LastIndex, _log.LastIndex + 1, ulong.MaxValue)[0].Term,
        Entries = [.. values.Select((value, i) => new RaftEntry(term, _log.LastIndex + 1 + (ulong)i, type, encode(value)))],
        Commit = _log.LastIndex + (ulong)values.Length,
    });

    /// <summary>As member 2 proposes it.</summary>
    public static RaftConfChange Add(ulong id, RaftConfChangeType type = RaftConfChangeType.AddNode) =>
        new(0, type, id, Peer((int)id).Context);

    public static RaftConfChange Remove(ulong id) => new(0, RaftConfChangeType.RemoveNode, id, []);

    private static RaftPeer Peer(int id) =>
        new((ulong)id, new RaftAddress((ulong)id, TestChain.Signer(id).PublicKey, "127.0.0.1", 30300 + id, 50400 + id).Encode());

    private static NodeTime TimeOf(long now) => new(1_700_000_000_000_000_000UL + ((ulong)now * 1_000_000), now);
}
