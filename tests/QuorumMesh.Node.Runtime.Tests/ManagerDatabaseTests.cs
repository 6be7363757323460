using QuorumMesh.Chain.Payloads;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Node.Runtime.Consensus;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Node.Runtime.Raft;
using QuorumMesh.Primitives;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Runtime.Tests;

/// <summary>A manager that lost its database, or was set back, calls payloads "not a party" that it once had.</summary>
public sealed class ManagerDatabaseTests
{
    private static readonly byte[] Key = TestChain.Key(1);
    private static readonly byte[] Creation = TestChain.RollingContract;
    private static readonly byte[] First = TestChain.CallPayload(5);
    private static readonly byte[] Second = TestChain.CallPayload(6);
    private static readonly Address Contract = Address.ForCreate(TestChain.AddressOf(Key), 0);

    [Fact]
    public void A_manager_with_another_database_stops_the_private_head_and_its_own_database_lets_it_go_on()
    {
        var node = Started();
        node.Mine(TestChain.Private(Key, 1, First, Contract));
        node.Step(Answer(First, PayloadAvailability.NotAParty, "new", 0));
        Assert.Equal((2ul, 1ul), (node.Head, node.PrivateHead));
        AssertStopped(node, "another database (new)");
        // Nor is anything else of it believed, or of a manager that does not tell.
        node.Step(Answer(First, PayloadAvailability.Here, "new", 1), SoloNode.Answer(First, PayloadAvailability.NotAParty));
        node.Step(new NodeInput.PayloadArrived(9, TestChain.HashOf(First), new ManagerDatabase("new", 9, 0)));
        Assert.Equal((1ul, 0L), (node.PrivateHead, node.Core.WatchAfter));

        // It keeps asking, for one payload at a time.
        Assert.Equal(TestChain.HashOf(First), Assert.Single(node.After(10_000).FetchPayloads));
        var effects = node.Step(Answer(First, PayloadAvailability.Here, "old", 12));
        Assert.Null(node.Core.PrivateStatus.Stopped);
        Assert.Equal((0L, 1), effects.WatchFrom);
        Finish(node, "old", 12);
    }

    [Fact]
    public void A_restart_does_not_make_the_other_database_acceptable()
    {
        var node = Started();
        node.Start();
        AssertGoesOn(node);
        node.Step(new NodeInput.ManagerSeen(new ManagerDatabase("new", 100, 0)));
        AssertStopped(node, "another database (new)");
        node.Start();
        AssertStopped(node, "another database (new)");
    }

    [Fact]
    public void A_manager_that_knows_less_than_before_stops_the_private_head_even_once_it_has_grown_past_again()
    {
        var node = Started();
        node.Start();
        node.Mine(TestChain.Private(Key, 1, First, Contract));
        node.Step(Answer(First, PayloadAvailability.NotAParty, "old", 9));
        Assert.Equal(1ul, node.PrivateHead);
        AssertStopped(node, "knows less than before (record 9, it was at 10)");
        node.Step(Answer(First, PayloadAvailability.NotAParty, "old", 11));
        node.Start();
        node.Step(Answer(First, PayloadAvailability.NotAParty, "old", 12));
        Assert.Equal(1ul, node.PrivateHead);
        AssertStopped(node, "knows less than before");
    }

    [Fact]
    public void A_database_that_was_set_back_and_has_grown_past_its_old_number_since_stops_the_private_head()
    {
        var node = Watched();
        node.Mine(TestChain.Private(Key, 1, First, Contract));
        node.Step(Answer(First, PayloadAvailability.NotAParty, "old", 40, new ManagerRow(12, TestChain.HashOf(Second))));
        Assert.Equal((2ul, 1ul), (node.Head, node.PrivateHead));
        AssertStopped(node, "another payload");
        // Nor does its number make it right again, nor that it no longer tells of the record, nor a restart.
        node.Step(Answer(First, PayloadAvailability.NotAParty, "old", 41));
        node.Step(Answer(First, PayloadAvailability.NotAParty, "old", 42, new ManagerRow(12, null)));
        node.Start();
        AssertStopped(node, "another payload");
        Assert.Equal(12, node.Core.ManagerRow);
        node.Step(Answer(First, PayloadAvailability.NotAParty, "old", 43, new ManagerRow(12, TestChain.HashOf(Second))));
        Assert.Equal(1ul, node.PrivateHead);

        // The right database is back: the record itself shows it.
        node.Step(Answer(First, PayloadAvailability.Here, "old", 12, new ManagerRow(12, TestChain.HashOf(Creation))));
        Assert.Null(node.Core.PrivateStatus.Stopped);
        Finish(node, "old", 12);
    }

    [Fact]
    public void The_operator_accepts_a_database_with_another_record_and_its_stream_tells_of_new_ones()
    {
        var node = Watched();
        node.Step(new NodeInput.ManagerSeen(new ManagerDatabase("old", 40, 0, new ManagerRow(12, TestChain.HashOf(First)))));
        AssertStopped(node, "another payload");
        node.Core.AcceptManager();
        Assert.Equal(0L, node.Step().ManagerRow);
        node.Step(new NodeInput.PayloadArrived(3, TestChain.HashOf(First), new ManagerDatabase("old", 41, 0), Stream: 1));
        node.Start();
        Assert.Equal(3, node.Core.ManagerRow);
        AssertGoesOn(node);
    }

    [Fact]
    public void A_record_that_is_not_there_accuses_nobody()
    {
        // A payload that was lost and came back has a later one; a replica may not have it yet; an older manager does not tell.
        var node = Watched();
        node.Step(new NodeInput.ManagerSeen(new ManagerDatabase("old", 13, 12, new ManagerRow(12, null))));
        node.Step(new NodeInput.ManagerSeen(new ManagerDatabase("old", 14, 13)));
        AssertGoesOn(node);
        node.Step(new NodeInput.PayloadArrived(14, TestChain.HashOf(First), new ManagerDatabase("old", 14, 14)));
        // Asked before the stream told of the newest one, and about one that nobody told of.
        node.Step(new NodeInput.ManagerSeen(new ManagerDatabase("old", 15, 14, new ManagerRow(12, TestChain.HashOf(Creation)))));
        node.Step(new NodeInput.ManagerSeen(new ManagerDatabase("old", 15, 14, new ManagerRow(5, TestChain.HashOf(Second)))));
        AssertGoesOn(node);
        node.Step(new NodeInput.ManagerSeen(new ManagerDatabase("old", 15, 14, new ManagerRow(12, TestChain.HashOf(Second)))));
        AssertStopped(node, "at record 12");
    }

    /// <summary>It comes with the number of the record before it, and its hash may be wrong.</summary>
    [Fact]
    public void A_damaged_record_in_the_stream_is_no_measure()
    {
        var node = Watched();
        node.Step(new NodeInput.PayloadArrived(12, TestChain.HashOf(First), new ManagerDatabase("old", 13, 12)));
        node.Start();
        Assert.Equal(12, node.Core.ManagerRow);
        node.Step(new NodeInput.ManagerSeen(new ManagerDatabase("old", 13, 0, new ManagerRow(12, TestChain.HashOf(Creation)))));
        AssertGoesOn(node);
    }

    [Fact]
    public void An_answer_that_another_one_overtook_is_no_step_back()
    {
        var node = Started();
        node.Step(new NodeInput.ManagerSeen(new ManagerDatabase("old", 20, 10)));
        // Asked for when the manager was known to be at 10.
        node.Step(new NodeInput.ManagerSeen(new ManagerDatabase("old", 15, 10)));
        AssertGoesOn(node);
        node.Step(new NodeInput.ManagerSeen(new ManagerDatabase("old", 15, 20)));
        AssertStopped(node, "record 15, it was at 20");
    }

    [Fact]
    public void The_operator_accepts_what_there_is_and_the_stream_begins_anew()
    {
        var node = Started();
        node.Step(new NodeInput.PayloadArrived(10, TestChain.HashOf(First), new ManagerDatabase("old", 10, 10)));
        Assert.Equal(10, node.Core.WatchAfter);
        var refused = Assert.Throws<InvalidOperationException>(() => node.Core.AcceptManager());
        Assert.Contains("accepted already", refused.Message, StringComparison.Ordinal);
        node.Mine(TestChain.Private(Key, 1, First, Contract));
        node.Step(Answer(First, PayloadAvailability.Here, "new", 3));
        Assert.Equal(1ul, node.PrivateHead);

        node.Core.AcceptManager();
        var effects = node.Step();
        Assert.Equal((0L, 1), effects.WatchFrom);
        Assert.Contains(TestChain.HashOf(First), effects.FetchFirst);
        Assert.Equal(0, node.Core.WatchAfter);
        node.Step(Answer(First, PayloadAvailability.Here, "new", 3));
        Assert.Equal(2ul, node.PrivateHead);
        node.Start();
        Finish(node, "new", 4);
        node.Step(new NodeInput.ManagerSeen(new ManagerDatabase("old", 30, 0)));
        AssertStopped(node, "another database (old)");
    }

    [Fact]
    public void What_the_stream_before_still_brings_is_no_progress_of_the_one_after()
    {
        var node = Started();
        node.Step(new NodeInput.ManagerSeen(new ManagerDatabase("new", 9, 0)));
        node.Core.AcceptManager();
        node.Step(new NodeInput.PayloadArrived(8, TestChain.HashOf(First), new ManagerDatabase("new", 9, 9), Stream: 0));
        node.Step();
        Assert.Equal(0, node.Core.WatchAfter);
        node.Step(new NodeInput.PayloadArrived(3, TestChain.HashOf(First), new ManagerDatabase("new", 9, 9), Stream: 1));
        Assert.Equal(3, node.Core.WatchAfter);
    }

    [Fact]
    public void Nothing_is_accepted_from_a_manager_that_has_not_answered()
    {
        var node = Started();
        node.Step(new NodeInput.ManagerSeen(new ManagerDatabase("new", 1, 0)));
        node.Start();
        Assert.Contains("has not answered", Assert.Throws<InvalidOperationException>(() => node.Core.AcceptManager()).Message,
            StringComparison.Ordinal);
        AssertStopped(node, "another database");
    }

    [Fact]
    public async Task A_payload_that_this_node_sent_tells_of_the_database_that_it_went_into()
    {
        var node = Started();
        node.Step(new NodeInput.ManagerSeen(new ManagerDatabase("new", 1, 0)));
        node.Start();
        var sent = PayloadAnswer.Here(TestChain.HashOf(Second), Second) with { Database = new ManagerDatabase("new", 5, 1) };
        node.Step(await RememberedAsync(node, sent));

        node.Core.AcceptManager();
        Assert.Equal(new KnownDatabase("new", 5), node.Core.ReportPrivate().Accepted);
        node.Step(new NodeInput.ManagerSeen(new ManagerDatabase("third", 9, 0)));
        AssertStopped(node, "another database (third)");
    }

    [Fact]
    public void What_the_manager_knew_is_stored_with_the_private_head_in_one_batch()
    {
        var node = Started();
        Assert.Equal(new KnownDatabase("old", 10), ManagerRecord.LoadAccepted(node.Store));
        node.Step(Answer(First, PayloadAvailability.NotAParty, "old", 12));
        var writes = 0;
        node.Store.Written = (_, _) =>
        {
            writes++;
            var moved = ChainStore.GetPrivateHead(node.Store)!.Value.Number == 2;
            Assert.Equal(new KnownDatabase("old", moved ? 12 : 10), ManagerRecord.LoadAccepted(node.Store));
        };
        node.Mine(TestChain.Private(Key, 1, First, Contract));
        node.Store.Written = static (_, _) => { };
        Assert.True(writes > 0);
        Assert.Equal(2ul, node.PrivateHead);
    }

    /// <summary>What a node's service hands to its loop.</summary>
    private static async Task<NodeInput> RememberedAsync(SoloNode node, PayloadAnswer sent)
    {
        using var mailbox = new Mailbox<NodeInput>();
        var assembly = new NodeAssembly(
            new NodeCoreSetup { Stores = node.Stores, Signer = TestChain.Signer(1), Events = node.Events },
            new ConsensusSetup.RaftMember(
                new RaftSetup { Id = 1, Core = node.Raft.Core, Log = node.Log },
                new RaftLink(new SilentTransport(), static _ => { }, static () => { })),
            new NodeSeams
            {
                Peers = null!,
                Manager = null!,
                Clock = TimeProvider.System,
                Post = mailbox.TryPostUrgent,
                PostBulk = mailbox.TryPostBulk
            });
        await using var loop = new NodeLoop(assembly, mailbox);
        var service = new NodeService(node.Stores, assembly, loop, mailbox)
        {
            NetworkId = 1,
            ClientVersion = "",
            DataDirectory = "",
            TransactionManager = null!,
            Accounts = null!,
            NodeKey = null!,
            Peers = null!,
            Events = node.Events,
        };
        service.RememberPayload(sent);
        var inputs = new List<NodeInput>();
        mailbox.Take(inputs, 1, TimeSpan.FromSeconds(60));
        return Assert.Single(inputs);
    }

    /// <summary>A private contract that the manager "old" gave the payload of, at record 10.</summary>
    private static SoloNode Started()
    {
        var node = new SoloNode();
        node.Step(Answer(Creation, PayloadAvailability.Here, "old", 10));
        node.Mine(TestChain.Private(Key, 0, Creation));
        Assert.Equal(1ul, node.PrivateHead);
        return node;
    }

    /// <summary>As <see cref="Started"/>; the stream has told of record 12, the creation's, and the node was started again.</summary>
    private static SoloNode Watched()
    {
        var node = Started();
        var effects = node.Step(new NodeInput.PayloadArrived(12, TestChain.HashOf(Creation), new ManagerDatabase("old", 12, 10)));
        Assert.Equal(12, effects.ManagerRow);
        node.Start();
        Assert.Equal(12, node.Core.ManagerRow);
        return node;
    }

    private static void Finish(SoloNode node, string database, long watermark)
    {
        var effects = node.Step();
        for (var pass = 0; pass < 10 && node.PrivateHead < node.Head; pass++)
            effects = node.Step([.. effects.FetchPayloads.Select(_ => Answer(First, PayloadAvailability.Here, database, watermark))]);
        node.Mine(TestChain.Private(Key, 2, Second, Contract));
        node.Step(Answer(Second, PayloadAvailability.Here, database, watermark + 1));
        Assert.Equal((3ul, 3ul), (node.Head, node.PrivateHead));
        Assert.Equal((UInt256)((5 * 31) + 6), node.Stores.Private.Head.GetStorage(Contract, UInt256.Zero));
        AssertGoesOn(node);
    }

    private static void AssertStopped(SoloNode node, string reason)
    {
        node.Step();
        Assert.Contains(reason, node.Core.PrivateStatus.Stopped, StringComparison.Ordinal);
        Assert.Contains("qmesh private accept-manager", node.Core.ReportPrivate().Refusal, StringComparison.Ordinal);
        if (node.PrivateHead == node.Head) return;
        Assert.Contains(reason, node.Core.PrivateStatus.Reason, StringComparison.Ordinal);
        using var view = new NodeView(node.Stores, node.Core.PrivateStatus);
        Assert.Contains(reason, Assert.Throws<PrivateStateBehindException>(() => view.PrivateState(node.Head)).Message,
            StringComparison.Ordinal);
    }

    private static void AssertGoesOn(SoloNode node)
    {
        node.Step();
        Assert.Null(node.Core.PrivateStatus.Stopped);
    }

    private static NodeInput Answer(
        byte[] payload, PayloadAvailability availability, string database, long watermark, ManagerRow? row = null) =>
        new NodeInput.PayloadAnswers(
        [SoloNode.AnswerOf(TestChain.HashOf(payload), payload, availability)
            with { Database = new ManagerDatabase(database, watermark, 0, row) }]);
}
