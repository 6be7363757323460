using System.Text;
using System.Text.Json;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Chain.Extension;
using QuorumMesh.Chain.Payloads;
using QuorumMesh.Evm;
using QuorumMesh.Primitives;
using QuorumMesh.State;
using QuorumMesh.State.Trie;
using QuorumMesh.Tests;

namespace QuorumMesh.Chain.Tests;

/// <summary>Contracts that get a new party: the recorded network's eleven extensions, and what strangers may try.</summary>
public sealed class ContractExtensionTests
{
    private const string Network = "raft3-24.4.1-tessera";
    private static readonly Address Contract = Address.Parse("0x00000000000000000000000000000000000000c0");
    private static readonly Address Management = Address.Parse("0x00000000000000000000000000000000000000d0");
    private static readonly PayloadHash Vote = Sha3.HashPayload("vote"u8);
    private static readonly PayloadHash State = Sha3.HashPayload("state"u8);
    private static readonly byte[] Code = [0x60, 0x00];

    /// <summary>
    /// Private roots of all 172 blocks, receipts with their logs, and privacy metadata. The management contract is ours, with the recorded
    /// one's storage: its account differs by the code hash alone.
    /// </summary>
    [VectorTheory]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(3, false)]
    [InlineData(1, true)]
    [InlineData(2, true)]
    [InlineData(3, true)]
    public void Extensions_come_out_as_at_each_party(int party, bool isReplayed)
    {
        var network = new RecordedNetwork(Network);
        var node = new TestNode(network.Genesis, network.Profile);
        var roots = network.Strings("privateStateRoots.json", RecordedNetwork.Letter(party));
        var (payloads, votes, management) = (network.PayloadsOf(party), network.VotesOf(party), Recorded(network));
        foreach (var block in network.Blocks.Skip(1))
        {
            if (isReplayed) node.Import(block, _ => null);
            else node.Import(block, payloads, votes);
            if (node.PrivateHead.Number < block.Number) Assert.True(node.Replay(payloads, votes), $"block {block.Number} waits");
            Assert.True(roots[block.Number] == Root(node, management).ToString(), $"private root of block {block.Number}");
        }
        Assert.Equal(node.Head.Hash, node.PrivateHead.Hash);
        RecordedChainTests.CheckReceipts(network, node, RecordedNetwork.Letter(party));
        CheckMetadata(network, node, RecordedNetwork.Letter(party));
    }

    /// <summary>No block is run with half of a share: without the answers the private head waits, the public one goes on.</summary>
    [VectorFact]
    public void Without_the_managers_word_on_a_vote_the_private_head_waits()
    {
        var network = new RecordedNetwork(Network);
        var node = new TestNode(network.Genesis, network.Profile);
        foreach (var block in network.Blocks.Skip(1)) node.Import(block, network.PayloadsOf(3));
        Assert.Equal((172ul, 117ul), (node.Head.Number, node.PrivateHead.Number));
        Assert.False(node.Replay(network.PayloadsOf(3)));
        Assert.True(node.Replay(network.PayloadsOf(3), network.VotesOf(3)));
    }

    [VectorFact]
    public void A_shared_state_is_written_as_recorded()
    {
        using var json = new RecordedNetwork(Network).Json("extension.json");
        var count = 0;
        foreach (var shared in json.RootElement.GetProperty("sharedStates").EnumerateArray())
        {
            var text = shared.GetProperty("json").GetString()!;
            using var document = JsonDocument.Parse(text);
            var contract = Address.Parse(document.RootElement.EnumerateObject().Single().Name);
            var read = SharedState.Read(Encoding.UTF8.GetBytes(text), contract);
            var account = new Account(read.Nonce, read.Balance, StateRoot.OfStorage(read.Storage), Keccak.Hash(read.Code));
            var slots = read.Storage.OrderBy(s => s.Key).Select(s => (s.Key, s.Value));
            Assert.Equal(text, Encoding.UTF8.GetString(SharedState.Write(contract, account, read.Code, slots)));
            count++;
        }
        Assert.Equal(9, count);
    }

    [Fact]
    public void A_shared_state_replaces_the_ghost()
    {
        var (state, run) = Begin(Shared());
        Assert.Equal(Vote, run.Awaited);
        run.Take(PayloadAnswer.Here(Vote, [1]));
        Assert.Equal((null, Vote), (run.Awaited, run.AwaitedVote!.Value));
        run.Take(VoteAnswer.Own(Vote, Management));
        Assert.Equal(State, run.Awaited);
        run.Take(PayloadAnswer.Here(State, StateOf(Contract)) with { PrivacyMode = PrivacyMode.PartyProtection });
        Assert.True(run.IsDone);
        Assert.Equal(Code, state.GetCode(Contract));
        Assert.Equal((UInt256)7u, state.GetStorage(Contract, UInt256.One));
        Assert.Equal(new PrivacyMetadata(State, PrivacyMode.PartyProtection), state.GetPrivacy(Contract));
        Assert.Equal([Vote, State], run.Asked);
        Assert.Empty(run.Refused);
    }

    /// <summary>Somebody puts a vote that was cast on another extension into his own contract.</summary>
    [Fact]
    public void A_vote_on_another_extension_brings_nothing()
    {
        var (state, run) = Begin(Shared());
        run.Take(PayloadAnswer.Here(Vote, [1]));
        run.Take(VoteAnswer.Own(Vote, Contract));
        Assert.True(run.IsDone);
        Assert.Empty(state.GetCode(Contract));
    }

    [Fact]
    public void Others_votes_bring_nothing()
    {
        var (state, run) = Begin(Shared());
        run.Take(PayloadAnswer.Here(Vote, [1]));
        run.Take(VoteAnswer.Foreign(Vote));
        Assert.True(run.IsDone);
        Assert.Empty(state.GetCode(Contract));
        Assert.Empty(run.Refused);
    }

    [Fact]
    public void A_vote_that_is_not_here_is_noted_for_the_time_when_it_comes()
    {
        var (_, run) = Begin(Shared());
        run.Take(PayloadAnswer.NotAParty(Vote));
        Assert.True(run.IsDone);
        Assert.Equal([Vote], run.Skipped);
    }

    [Fact]
    public void A_state_that_is_not_here_is_refused_and_noted()
    {
        var (state, run) = Begin(Shared());
        run.Take(PayloadAnswer.Here(Vote, [1]));
        run.Take(VoteAnswer.Own(Vote, Management));
        run.Take(PayloadAnswer.NotAParty(State));
        Assert.Equal([State], run.Skipped);
        Assert.Equal(Contract, Assert.Single(run.Refused).Contract);
        Assert.Empty(state.GetCode(Contract));
    }

    /// <summary>What a node without all preimages shares, or somebody who means ill.</summary>
    [Theory]
    [InlineData("\"07\"", "\"08\"", "its root is")]
    [InlineData("6000", "6001", "its codeHash is")]
    [InlineData("\"balance\":\"0\"", "\"balance\":\"-1\"", "balance is no number")]
    [InlineData("\"state\"", "\"stat\"", "cannot be read")]
    [InlineData("0x00", "0x10", "is not that of")]
    [InlineData("{", "", "cannot be read")]
    public void A_state_that_is_not_whole_is_refused(string part, string instead, string reason)
    {
        var (state, run) = Begin(Shared());
        var text = Encoding.UTF8.GetString(StateOf(Contract));
        Assert.Contains(part, text, StringComparison.Ordinal);
        var at = text.IndexOf(part, StringComparison.Ordinal);
        run.Take(PayloadAnswer.Here(Vote, [1]));
        run.Take(VoteAnswer.Own(Vote, Management));
        run.Take(PayloadAnswer.Here(State, Encoding.UTF8.GetBytes(text[..at] + instead + text[(at + part.Length)..])));
        Assert.True(run.IsDone);
        Assert.Contains(reason, Assert.Single(run.Refused).Reason, StringComparison.Ordinal);
        Assert.Empty(state.GetCode(Contract));
        Assert.Equal(1ul, state.GetNonce(Contract));
    }

    /// <summary>Refusals come into logs, the store and answers.</summary>
    [Theory]
    [InlineData("a secret")]
    [InlineData("{'CONTRACT':{'state':'a secret'}}")]
    [InlineData("{'CONTRACT':{'state':{'balance':'a secret','nonce':1}}}")]
    [InlineData("{'CONTRACT':{'state':{'balance':'0','nonce':1,'codeHash':'a secret','root':''}}}")]
    public void A_refusal_holds_nothing_of_the_payload(string payload)
    {
        var json = payload.Replace("CONTRACT", Contract.ToChecksumString(), StringComparison.Ordinal).Replace('\'', '"');
        var e = Assert.Throws<FormatException>(() => SharedState.Read(Encoding.UTF8.GetBytes(json), Contract));
        Assert.DoesNotContain("secret", e.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("'a'", e.ToString(), StringComparison.Ordinal);
    }

    /// <summary>GoQuorum's node goes on past it; so does this one, without the state.</summary>
    [Fact]
    public void A_state_with_a_flag_that_the_chain_does_not_have_is_refused()
    {
        var (state, run) = Begin(flags: false, Shared());
        run.Take(PayloadAnswer.Here(Vote, [1]));
        run.Take(VoteAnswer.Own(Vote, Management));
        run.Take(PayloadAnswer.Here(State, StateOf(Contract)) with { PrivacyMode = PrivacyMode.PartyProtection });
        Assert.True(run.IsDone);
        Assert.Contains("no privacyEnhancementsBlock", Assert.Single(run.Refused).Reason, StringComparison.Ordinal);
        Assert.Empty(state.GetCode(Contract));
    }

    [Fact]
    public void A_management_contract_is_known_by_its_code_and_arguments()
    {
        var made = ManagementContract.Create(Contract, Management, "key");
        Assert.True(ManagementContract.IsCreation(made, Contract, Management, "key"));
        Assert.False(ManagementContract.IsCreation(made, Management, Management, "key"));
        Assert.False(ManagementContract.IsCreation(made, Contract, Management, "kez"));
        made[100] ^= 1;
        Assert.False(ManagementContract.IsCreation(made, Contract, Management, "key"));
        Assert.False(ManagementContract.IsCreation([], Contract, Management, "key"));
    }

    [Fact]
    public void A_party_with_the_contract_takes_over_its_new_name_and_asks_nothing()
    {
        var state = new WorldState(EmptyState.Instance);
        state.SetCode(Contract, Code);
        state.SetPrivacy(Contract, new PrivacyMetadata(Vote, PrivacyMode.PrivateStateValidation));
        state.FinaliseTransaction(deleteEmpty: true);
        var run = StateShareRun.Of([Shared(), Shared()], state, deleteEmpty: true, takesFlags: true)!;
        Assert.True(run.IsDone);
        Assert.Empty(run.Asked);
        Assert.Equal(new PrivacyMetadata(State, PrivacyMode.PrivateStateValidation), state.GetPrivacy(Contract));
    }

    [Fact]
    public void Logs_that_only_look_like_a_share_are_passed_over()
    {
        var whole = Shared();
        LogEntry[] strange =
        [
            whole with { Topics = [whole.Topics[0], default] },
            whole with { Topics = [] },
            whole with { Data = whole.Data[..95] },
            whole with { Data = [.. whole.Data[..32], .. Enumerable.Repeat((byte)0xff, 32), .. whole.Data[64..]] },
            whole with { Data = [.. whole.Data[..64], .. ((UInt256)(ulong)(whole.Data.Length - 31)).ToBigEndian(), .. whole.Data[96..]] },
        ];
        Assert.All(strange, log => Assert.Null(ExtensionEvent.Of(log)));
        Assert.NotNull(ExtensionEvent.Of(whole));
        var odd = (ExtensionEvent.Shared)ExtensionEvent.Of(Shared(vote: "no hex"))!;
        Assert.Null(odd.VotePayload);
        var (_, run) = Begin(Shared(vote: ""));
        Assert.True(run.IsDone);
    }

    /// <summary>The gas of private code is its sender's word: he must not make others ask their managers for ever.</summary>
    [Fact]
    public void Shares_of_one_transaction_are_bounded()
    {
        var (_, run) = Begin([.. Enumerable.Repeat(Shared(), 1_000)]);
        while (run.Awaited is { } hash) run.Take(PayloadAnswer.NotAParty(hash));
        Assert.True(run.IsDone);
        Assert.Equal(256, run.Asked.Count);
    }

    private static (WorldState State, StateShareRun Run) Begin(params LogEntry[] logs) => Begin(flags: true, logs);

    private static (WorldState State, StateShareRun Run) Begin(bool flags, params LogEntry[] logs)
    {
        var state = new WorldState(EmptyState.Instance);
        // What a creation leaves at a stranger.
        state.SetNonce(Contract, 1);
        state.FinaliseTransaction(deleteEmpty: true);
        return (state, StateShareRun.Of(logs, state, deleteEmpty: true, takesFlags: flags)!);
    }

    private static byte[] StateOf(in Address contract)
    {
        var slots = new Dictionary<UInt256, UInt256> { [UInt256.One] = 7u };
        var account = new Account(1, UInt256.Zero, StateRoot.OfStorage(slots), Keccak.Hash(Code));
        return SharedState.Write(contract, account, Code, slots.Select(s => (s.Key, s.Value)));
    }

    /// <summary>As the contract emits it: three words, then two texts.</summary>
    private static LogEntry Shared(string? vote = null)
    {
        var (identifier, uuid) = (Encoding.UTF8.GetBytes(State.ToBase64()), Encoding.UTF8.GetBytes(vote ?? Vote.ToString()));
        byte[] data = [.. Contract.ToWord().ToBigEndian(), .. Word(96), .. Word(96 + 32 + Padded(identifier).Length),
            .. Word(identifier.Length), .. Padded(identifier), .. Word(uuid.Length), .. Padded(uuid)];
        return new LogEntry(Management, [Keccak.Hash("StateShared(address,string,string)"u8)], data);
    }

    private static byte[] Word(int value) => ((UInt256)(ulong)value).ToBigEndian();

    private static byte[] Padded(byte[] text) => [.. text, .. new byte[(32 - (text.Length % 32)) % 32]];

    private static (HashSet<Address> Contracts, Hash256 CodeHash) Recorded(RecordedNetwork network)
    {
        using var json = network.Json("extension.json");
        var contracts = json.RootElement.GetProperty("managementStates").EnumerateArray()
            .Select(m => Address.Parse(m.GetProperty("address").GetString()!)).ToHashSet();
        return (contracts,
            Hash256.Parse(json.RootElement.GetProperty("managementContract").GetProperty("code").GetProperty("keccak256").GetString()!));
    }

    /// <summary>The root as it would be with the recorded code of the management contracts.</summary>
    private static Hash256 Root(TestNode node, (HashSet<Address> Contracts, Hash256 CodeHash) management) => TrieRoot.OfSecure(
        node.Private.Accounts(node.Store, node.Private.Head.Block).Select(a => new KeyValuePair<byte[], byte[]>(a.Address.ToArray(),
            (management.Contracts.Contains(a.Address) && a.Account.CodeHash != Hash256.EmptyCode
                ? a.Account with { CodeHash = management.CodeHash } : a.Account).Encode())));

    private static void CheckMetadata(RecordedNetwork network, TestNode node, string party)
    {
        using var json = network.Json("storageRoots.json");
        var count = 0;
        foreach (var contract in json.RootElement.GetProperty(party).EnumerateObject())
        {
            if (!contract.Value.TryGetProperty("privacyMetadata", out var recorded)
                || !recorded.TryGetProperty("creationTxHash", out var creation)) continue;
            var privacy = node.Private.Head.GetAccount(Address.Parse(contract.Name))!.Value.Privacy;
            Assert.Equal((creation.GetString(), recorded.GetProperty("privacyFlag").GetInt32()),
                (privacy?.Creation.ToBase64(), (int)privacy!.Mode));
            count++;
        }
        Assert.InRange(count, 5, int.MaxValue);
    }
}
