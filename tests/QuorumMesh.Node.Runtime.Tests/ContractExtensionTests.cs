using System.Text;
using QuorumMesh.Chain;
using QuorumMesh.Chain.Extension;
using QuorumMesh.Chain.Payloads;
using QuorumMesh.Primitives;
using QuorumMesh.State;
using QuorumMesh.State.KeyValue;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Runtime.Tests;

/// <summary>A contract's state as it comes to a new party: through the loop, after restarts, late, and taken back.</summary>
public sealed class ContractExtensionTests
{
    private static readonly byte[] Genesis = Encoding.UTF8.GetBytes("""
        { "alloc": {}, "config": { "chainId": 10, "homesteadBlock": 0, "eip150Block": 0, "eip155Block": 0, "eip158Block": 0,
          "byzantiumBlock": 0, "constantinopleBlock": 0, "petersburgBlock": 0, "istanbulBlock": 0, "isQuorum": true },
          "difficulty": "0x0", "gasLimit": "0xE0000000" }
        """);

    private static readonly byte[] Initiator = TestChain.Key(1);
    private static readonly byte[] Recipient = TestChain.Key(2);
    private static readonly Address Contract = Address.ForCreate(TestChain.AddressOf(Initiator), 0);
    private static readonly Address Management = Address.ForCreate(TestChain.AddressOf(Initiator), 1);
    private static readonly byte[] TheirVote = "the initiator's vote"u8.ToArray();
    private static readonly byte[] OwnVote = "our vote"u8.ToArray();
    private static readonly byte[] Shared = SharedBytes();
    private static readonly byte[] Begin = ManagementContract.Create(Contract, TestChain.AddressOf(Recipient), "key");
    private static readonly byte[] TheirYes = ManagementContract.Vote(true, TestChain.HashOf(TheirVote).ToString());
    private static readonly byte[] OwnYes = ManagementContract.Vote(true, TestChain.HashOf(OwnVote).ToString());
    private static readonly byte[] Share = ManagementContract.ShareState(TestChain.HashOf(Shared).ToBase64());

    /// <summary>What this participant's manager has.</summary>
    private readonly Dictionary<PayloadHash, byte[]> _payloads =
        new byte[][] { Begin, TheirYes, OwnYes, Share, TheirVote, OwnVote, Shared }.ToDictionary(TestChain.HashOf);

    /// <summary>Votes and state come with a privacy flag.</summary>
    private bool _flagged;

    [Fact]
    public void The_private_head_waits_for_votes_and_state_and_takes_it()
    {
        var node = new SoloNode(Genesis);
        Vote(node);
        var moving = Known(node);
        Assert.True(moving is { IsMoving: true, Begun: 2, Accepted: 4, Finished: 0 });
        Assert.Equal(Management, Assert.Single(View(node).Moving).Management);

        var effects = Send(node, Share);
        effects = node.Step(Here(Share));
        Assert.Equal((5ul, 4ul), (node.Head, node.PrivateHead));
        Assert.Equal(TestChain.HashOf(TheirVote), node.Core.PrivateStatus.WaitingFor);
        Assert.Contains(TestChain.HashOf(TheirVote), effects.FetchPayloads);
        effects = node.Step(Here(TheirVote));
        Assert.Equal([TestChain.HashOf(TheirVote)], effects.FetchVotes);
        effects = node.Step(new NodeInput.VoteAnswered(VoteAnswer.Foreign(TestChain.HashOf(TheirVote))));
        Assert.Contains(TestChain.HashOf(OwnVote), effects.FetchPayloads);
        effects = node.Step(Here(OwnVote));
        Assert.Equal([TestChain.HashOf(OwnVote)], effects.FetchVotes);
        effects = node.Step(new NodeInput.VoteAnswered(VoteAnswer.Own(TestChain.HashOf(OwnVote), Management)));
        Assert.Contains(TestChain.HashOf(Shared), effects.FetchPayloads);
        node.Step(Here(Shared));

        Assert.Equal(5ul, node.PrivateHead);
        AssertTaken(node);
        Assert.Empty(View(node).Moving);
        Assert.True(Known(node) is { IsActive: false, Finished: 5, Refusal: "" });
    }

    [Fact]
    public void A_manager_that_cannot_tell_is_asked_again()
    {
        var node = new SoloNode(Genesis);
        Vote(node);
        Send(node, Share);
        node.Step(Here(Share));
        node.Step(Here(TheirVote));
        var effects = node.Step(new NodeInput.VoteAnswered(VoteAnswer.Unavailable(TestChain.HashOf(TheirVote), "it is down")));
        Assert.Empty(effects.FetchVotes);
        Assert.Contains("it is down", node.Core.PrivateStatus.Reason, StringComparison.Ordinal);
        Assert.Empty(node.After(999).FetchVotes);
        Assert.Equal([TestChain.HashOf(TheirVote)], node.After(1).FetchVotes);
        Serve(node);
        AssertTaken(node);
    }

    [Fact]
    public void A_restart_in_the_middle_of_a_share_changes_nothing()
    {
        var node = new SoloNode(Genesis);
        Vote(node);
        Send(node, Share);
        node.Step(Here(Share));
        node.Step(Here(TheirVote));
        node.Start();
        Assert.Equal((5ul, 4ul), (node.Head, node.PrivateHead));
        Serve(node);
        AssertTaken(node);
        node.Start();
        AssertTaken(node);
        Assert.True(Known(node) is { Finished: 5 });
    }

    [Fact]
    public void A_state_that_comes_late_is_taken_when_it_comes()
    {
        var node = new SoloNode(Genesis);
        Vote(node);
        _payloads.Remove(TestChain.HashOf(Shared));
        Send(node, Share);
        Serve(node);
        Assert.Equal(5ul, node.PrivateHead);
        Assert.Equal(Hash256.EmptyCode, node.Stores.Private.Head.GetAccount(Contract)!.Value.CodeHash);
        Assert.Contains("was not shared with this participant", Known(node).Refusal, StringComparison.Ordinal);

        _payloads[TestChain.HashOf(Shared)] = Shared;
        node.Step(SoloNode.Arrived(Shared));
        Assert.Equal(4ul, node.PrivateHead);
        Serve(node);
        AssertTaken(node);
        Assert.Equal("", Known(node).Refusal);
        // Told again: nothing is to be done.
        node.Step(SoloNode.Arrived(Shared, sequence: 2));
        Assert.Equal(5ul, node.PrivateHead);
    }

    [Fact]
    public void A_vote_that_comes_late_is_counted_when_it_comes()
    {
        var node = new SoloNode(Genesis);
        Vote(node);
        _payloads.Remove(TestChain.HashOf(OwnVote));
        Send(node, Share);
        Serve(node);
        Assert.Equal(5ul, node.PrivateHead);
        _payloads[TestChain.HashOf(OwnVote)] = OwnVote;
        node.Step(SoloNode.Arrived(OwnVote));
        Serve(node);
        AssertTaken(node);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(3)]
    [InlineData(1)]
    public void Extensions_go_back_with_the_private_head_and_come_again(ulong block)
    {
        var node = new SoloNode(Genesis);
        Vote(node);
        Send(node, Share);
        Serve(node);
        var root = node.PrivateRoot;
        node.Core.RewindPrivate(block);
        Assert.Equal(block, node.PrivateHead);
        var known = View(node).ExtensionBy(Management);
        Assert.Equal(block >= 2, known is { IsActive: true, Identifier: "" });
        Assert.Equal(block >= 4, View(node).Moving.Any(e => e.Management == Management));
        Serve(node);
        Assert.Equal((5ul, root), (node.PrivateHead, node.PrivateRoot));
        AssertTaken(node);
        Assert.True(Known(node) is { Accepted: 4, Finished: 5 });
    }

    /// <summary>A transaction of these would stop the private head by name.</summary>
    [Fact]
    public void A_share_with_a_flag_that_the_chain_does_not_have_does_not_stop_the_private_head()
    {
        var node = new SoloNode(Genesis);
        Vote(node);
        Send(node, Share);
        _flagged = true;
        Serve(node);
        Assert.Null(node.Core.PrivateStatus.Stopped);
        Assert.Contains("has the privacy flag 1", Known(node).Refusal, StringComparison.Ordinal);
        Assert.Equal(Hash256.EmptyCode, node.Stores.Private.Head.GetAccount(Contract)!.Value.CodeHash);
    }

    [Fact]
    public void What_ended_long_ago_is_forgotten_and_what_goes_on_is_not()
    {
        var node = new SoloNode(Genesis);
        Vote(node);
        Drop(node, block: 1_000_000, keeps: 10);
        Assert.True(Known(node).IsActive);
        Send(node, Share);
        Serve(node);
        Drop(node, block: 15, keeps: 10);
        Assert.Equal(5ul, Known(node).Finished);
        Drop(node, block: 16, keeps: 10);
        Assert.Null(View(node).ExtensionBy(Management));
    }

    private static void Drop(SoloNode node, ulong block, ulong keeps)
    {
        var batch = new KeyValueBatch();
        ExtensionIndex.DropOld(node.Stores.KeyValues, batch, block, keeps);
        node.Stores.KeyValues.Write(batch, sync: false);
    }

    private static void AssertTaken(SoloNode node)
    {
        var account = node.Stores.Private.Head.GetAccount(Contract)!.Value;
        Assert.Equal(Keccak.Hash(RuntimeCode), account.CodeHash);
        Assert.Equal((UInt256)77u, node.Stores.Private.Head.GetStorage(Contract, UInt256.Zero));
    }

    /// <summary>A contract of others, its extension to us, and two votes: blocks 1 to 4.</summary>
    private void Vote(SoloNode node)
    {
        Send(node, TestChain.RollingContract);
        Send(node, Begin);
        Send(node, TheirYes);
        node.Mine(Transaction(Recipient, 0, OwnYes, Management));
        Serve(node);
        Assert.Equal((4ul, 4ul), (node.Head, node.PrivateHead));
    }

    private static NodeEffects Send(SoloNode node, byte[] payload)
    {
        var nonce = node.Stores.Public.Head.GetAccount(TestChain.AddressOf(Initiator))?.Nonce ?? 0;
        return node.Mine(Transaction(Initiator, nonce, payload, nonce < 2 ? null : Management));
    }

    private static Transaction Transaction(byte[] key, ulong nonce, byte[] payload, Address? to)
    {
        var data = TestChain.HashOf(payload).ToArray();
        return TransactionSigner.SignPrivate(
            new Transaction { Nonce = nonce, GasLimit = ManagementContract.DefaultGas, To = to, Data = data }, key);
    }

    private static NodeInput Here(byte[] payload) => SoloNode.Answer(payload, PayloadAvailability.Here);

    /// <summary>Answers as a manager would, until the private head has followed.</summary>
    private void Serve(SoloNode node)
    {
        for (var pass = 0; node.PrivateHead < node.Head; pass++)
        {
            Assert.True(pass < 50, $"the private head stays at {node.PrivateHead}: {node.Core.PrivateStatus.Reason}");
            // Past every time after which is asked again.
            var effects = node.After(31_000);
            foreach (var hash in effects.FetchPayloads)
                node.Step(new NodeInput.PayloadAnswers([_payloads.TryGetValue(hash, out var payload)
                    ? PayloadAnswer.Here(hash, payload) with { PrivacyMode = FlagOf(payload) } : PayloadAnswer.NotAParty(hash)]));
            foreach (var vote in effects.FetchVotes)
                node.Step(new NodeInput.VoteAnswered(vote == TestChain.HashOf(OwnVote)
                    ? VoteAnswer.Own(vote, Management) : VoteAnswer.Foreign(vote)));
        }
    }

    private PrivacyMode FlagOf(byte[] payload) => _flagged && (payload == TheirVote || payload == OwnVote || payload == Shared)
        ? PrivacyMode.PartyProtection : PrivacyMode.StandardPrivate;

    private static ContractExtension Known(SoloNode node) => View(node).ExtensionBy(Management)!;

    private static NodeView View(SoloNode node) => new(node.Stores, node.Core.PrivateStatus);

    private static byte[] RuntimeCode => TestChain.RollingContract[1..14];

    private static byte[] SharedBytes()
    {
        var slots = new Dictionary<UInt256, UInt256> { [UInt256.Zero] = 77u };
        var account = new Account(1, UInt256.Zero, StateRoot.OfStorage(slots), Keccak.Hash(RuntimeCode));
        return SharedState.Write(Contract, account, RuntimeCode, slots.Select(s => (s.Key, s.Value)));
    }
}
