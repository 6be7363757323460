using QuorumMesh.Chain.Engines;
using QuorumMesh.Chain.Istanbul;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Primitives;
using QuorumMesh.State;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.Chain.Tests;

/// <summary>IBFT header rules and votes, each in GoQuorum's words.</summary>
public sealed class IstanbulEngineTests
{
    [Fact]
    public void A_proposal_lacks_committed_seals_and_nothing_else()
    {
        var chain = new IstanbulChainBuilder();
        var header = chain.Next(0, committers: []);
        Assert.Equal("zero committed seals", chain.Engine.VerifyHeader(header, chain.Head));
        Assert.Null(chain.Engine.VerifyProposal(header, chain.Head));
        Assert.Equal("invalid difficulty",
            chain.Engine.VerifyProposal(chain.Next(0, committers: [], change: h => h with { Difficulty = 2u }), chain.Head));
        Assert.StartsWith("unauthorized", chain.Engine.VerifyProposal(chain.Next(7, committers: []), chain.Head), StringComparison.Ordinal);
    }

    [Fact]
    public void A_proposal_has_no_more_gas_than_an_honest_one_and_a_decided_block_may()
    {
        var chain = new IstanbulChainBuilder();
        var most = chain.Head.GasLimit + (chain.Head.GasLimit / 1024);
        BlockHeader With(ulong gasLimit, params int[] committers) =>
            chain.Next(0, committers: committers, change: h => h with { GasLimit = gasLimit });
        Assert.Null(chain.Engine.VerifyProposal(With(most), chain.Head));
        foreach (var more in new[] { most + 1, ulong.MaxValue })
        {
            Assert.StartsWith("invalid gas limit", chain.Engine.VerifyProposal(With(more), chain.Head), StringComparison.Ordinal);
            Assert.Null(chain.Engine.VerifyHeader(With(more, 0, 1, 2), chain.Head));
        }
    }

    [Theory]
    [InlineData(0ul, 700_000_000ul)]
    [InlineData(699_500_000ul, 700_183_105ul)]
    [InlineData(800_000_000ul, 800_781_250ul)]
    [InlineData(ulong.MaxValue, ulong.MaxValue)]
    public void What_an_honest_maker_gives_is_never_above_the_most(ulong parent, ulong most)
    {
        var rule = new GasLimitRule();
        Assert.Equal(most, rule.Most(new BlockHeader { GasLimit = parent }));
        foreach (var used in new[] { 0ul, parent / 2, parent })
            Assert.InRange(rule.Next(new BlockHeader { GasLimit = parent, GasUsed = used }), 0ul, most);
    }

    // Of 4 validators 3 decide; the header rules take more than F = 1.
    [Theory]
    [InlineData(new[] { 0, 1, 2, 3 }, null)]
    [InlineData(new[] { 3, 1, 2 }, null)]
    [InlineData(new[] { 2, 1 }, "it has 2 committed seals, and 3 decide it")]
    public void F_plus_1_seals_are_a_valid_header_and_no_decision(int[] committers, string? reason)
    {
        var chain = new IstanbulChainBuilder();
        var header = chain.Next(0, committers: committers);
        Assert.Null(chain.Engine.VerifyHeader(header, chain.Head));
        Assert.Equal(reason, chain.Chain.RefuseUndecided(header, chain.Head));
        Assert.NotNull(chain.Chain.RefuseUndecided(header with { ExtraData = [1] }, chain.Head));
    }

    // What is changed before sealing, and the reason; null when GoQuorum takes the header.
    public static TheoryData<string, Func<BlockHeader, BlockHeader>, string?> Headers => new()
    {
        { "as it should be", h => h, null },
        { "extra data too short", h => h with { ExtraData = new byte[31] }, "invalid extra data format" },
        { "extra data with a trailing byte", h => h with { ExtraData = [.. h.ExtraData, 0] }, "invalid extra data format" },
        { "nonce neither all ones nor zero", h => h with { Nonce = 1 }, "invalid nonce" },
        { "another mix digest", h => h with { MixHash = default }, "invalid Istanbul mix digest" },
        { "uncles", h => h with { UncleHash = Hash256.EmptyTrie }, "non empty uncle hash" },
        { "difficulty 2", h => h with { Difficulty = 2u }, "invalid difficulty" },
        { "another parent", h => h with { ParentHash = Hash256.EmptyTrie }, "unknown ancestor" },
        { "a number left out", h => h with { Number = h.Number + 1 }, "unknown ancestor" },
        { "the parent's second", h => h with { Time = h.Time - 1 }, "invalid timestamp" },
        { "before the parent", h => h with { Time = h.Time - 2 }, "invalid timestamp" },
        { "other validators listed in the extra data are not looked at",
            h => h with { ExtraData = new IstanbulExtra(new byte[32], [], [], []).Encode() }, null },
        { "any step of the gas limit", h => h with { GasLimit = h.GasLimit / 2 }, null },
        { "any vanity", h => h with { ExtraData = [.. Enumerable.Repeat((byte)7, 32), .. h.ExtraData[32..]] }, null },
    };

    [Theory]
    [MemberData(nameof(Headers))]
    public void Header_rules(string rule, Func<BlockHeader, BlockHeader> change, string? reason)
    {
        var chain = new IstanbulChainBuilder();
        var answer = chain.Engine.VerifyHeader(chain.Next(0, change: change), chain.Head);
        if (reason is null) Assert.True(answer is null, $"{rule}: {answer}");
        else Assert.True(answer?.StartsWith(reason, StringComparison.Ordinal), $"{rule}: {answer}");
    }

    // Proposer, committers, of 4 validators: more than F = 1 seals are enough, each of another validator.
    [Theory]
    [InlineData(0, new[] { 0, 1, 2, 3 }, null)]
    [InlineData(3, new[] { 3, 1 }, null)]
    [InlineData(0, new[] { 2, 1 }, null)]
    [InlineData(0, new[] { 0 }, "invalid committed seals: 1 of 4 validators, more than 1 are needed")]
    [InlineData(0, new int[0], "zero committed seals")]
    [InlineData(0, new[] { 1, 1, 2 }, "invalid committed seals")]
    [InlineData(0, new[] { 0, 1, 2, 7 }, "invalid committed seals")]
    [InlineData(0, new[] { 0, 1, 2, 3, 3 }, "invalid committed seals")]
    [InlineData(7, new[] { 0, 1, 2, 3 }, "unauthorized")]
    public void Seals(int proposer, int[] committers, string? reason)
    {
        var chain = new IstanbulChainBuilder();
        var answer = chain.Engine.VerifyHeader(chain.Next(proposer, committers: committers), chain.Head);
        if (reason is null) Assert.Null(answer);
        else Assert.StartsWith(reason, answer, StringComparison.Ordinal);
    }

    [Fact]
    public void Seals_that_are_no_signatures_are_refused()
    {
        var chain = new IstanbulChainBuilder();
        var header = chain.Next(0);
        Assert.True(IstanbulExtra.TryDecode(header.ExtraData, out var extra));
        BlockHeader With(IstanbulExtra changed) => header with { ExtraData = changed.Encode() };
        Assert.StartsWith("invalid proposer seal", chain.Engine.VerifyHeader(With(extra with { Seal = [] }), chain.Head),
            StringComparison.Ordinal);
        Assert.StartsWith("invalid proposer seal", chain.Engine.VerifyHeader(With(extra with { Seal = new byte[65] }), chain.Head),
            StringComparison.Ordinal);
        Assert.StartsWith("invalid signature",
            chain.Engine.VerifyHeader(With(extra with { CommittedSeals = [extra.CommittedSeals[0], [.. extra.CommittedSeals[1], 0]] }),
            chain.Head), StringComparison.Ordinal);
        var v27 = extra.CommittedSeals[1].ToArray();
        v27[64] += 27;
        Assert.StartsWith("invalid signature",
            chain.Engine.VerifyHeader(With(extra with { CommittedSeals = [extra.CommittedSeals[0], v27] }), chain.Head),
            StringComparison.Ordinal);
    }

    [Fact]
    public void Period_and_clock_are_local()
    {
        var chain = new IstanbulChainBuilder();
        var header = chain.Next(0);
        var slow = With(chain, new IstanbulOptions { BlockPeriodSeconds = 2 });
        Assert.Contains("--istanbul.blockperiod", slow.VerifyHeader(header, chain.Head), StringComparison.Ordinal);
        Assert.Null(With(chain, new IstanbulOptions { BlockPeriodSeconds = 0 })
            .VerifyHeader(chain.Next(0, change: h => h with { Time = h.Time - 1 }), chain.Head));
        foreach (var (now, allowed, reason) in new[] { (header.Time, 0ul, null), (header.Time - 1, 0ul, "block in the future"),
            (header.Time - 1, 1ul, (string?)null) })
        {
            var engine = With(chain, new IstanbulOptions { UnixSeconds = () => now, AllowedFutureSeconds = allowed });
            Assert.Equal(reason, engine.VerifyHeader(header, chain.Head));
        }
    }

    [Fact]
    public void Author_is_the_proposer_and_not_the_candidate()
    {
        var chain = new IstanbulChainBuilder();
        Assert.Equal(IstanbulChainBuilder.Validator(2), chain.Engine.Author(chain.Next(2, IstanbulChainBuilder.Validator(7), add: true)));
        Assert.Throws<InvalidBlockException>(() => chain.Engine.Author(chain.Next(0) with { ExtraData = new byte[32] }));
    }

    // Votes as "proposer+candidate" (add) or "proposer-candidate" (drop); then validators, standing votes and tally.
    [Theory]
    [InlineData(4, "", "0123", "", "")]
    [InlineData(4, "0+7", "0123", "0+7", "7+1")]
    [InlineData(4, "0+7 1+7", "0123", "0+7 1+7", "7+2")]
    [InlineData(4, "0+7 1+7 2+7", "01237", "", "")] // more than half
    [InlineData(4, "0+7 0+7 0+7", "0123", "0+7", "7+1")] // a second vote replaces the first
    [InlineData(4, "0+7 0-7", "0123", "", "")] // to drop a stranger only takes one's vote back
    [InlineData(4, "0+1", "0123", "", "")] // a validator cannot be added
    [InlineData(4, "0-7", "0123", "", "")] // nor a stranger dropped
    [InlineData(4, "0-3 1-3 2-3", "012", "", "")]
    [InlineData(4, "3-0 0-3 1-3 2-3", "012", "", "")] // the dropped one's votes go with it
    [InlineData(4, "3+7 0+7 0-3 1-3 2-3", "012", "0+7", "7+1")]
    [InlineData(4, "0+7 1+7 3+7", "01237", "", "")]
    [InlineData(4, "3+7 3+8 0-3 1-3 2-3", "012", "", "")]
    [InlineData(4, "0-3 1-3 3-3", "012", "", "")] // one may vote oneself out
    [InlineData(2, "0+7", "01", "0+7", "7+1")]
    [InlineData(2, "0+7 1+7", "017", "", "")]
    [InlineData(1, "0+7", "07", "", "")]
    [InlineData(1, "0-0", "", "", "")] // the last validator may go; nobody can propose then
    [InlineData(4, "0-3 1-3 2+8 2-3", "012", "2+8", "8+1")]
    // A vote that was one short is not counted again when the set shrinks, only at the next vote on that candidate (Clique's rule).
    [InlineData(5, "0+7 1+7 0-4 1-4 2-4", "0123", "0+7 1+7", "7+2")]
    [InlineData(4, "0+7 1+7 0-3 1-3 2-3", "012", "0+7 1+7", "7+2")]
    [InlineData(4, "0+7 1+7 0-3 1-3 2-3 0-0", "012", "0+7 1+7 0-0", "0-1 7+2")]
    [InlineData(4, "0+7 1+7 0-3 1-3 2-3 0+7", "0127", "", "")]
    // Cascade: the tally of a candidate falls with the votes of the dropped.
    [InlineData(5, "4-3 0-3 0-4 1-4 2-4", "0123", "0-3", "3-1")]
    [InlineData(5, "0+7 1+7 2+7 0-7", "012347", "0-7", "7-1")]
    public void Votes(int validators, string votes, string expectedValidators, string standing, string tally)
    {
        var chain = new IstanbulChainBuilder(validators);
        var snapshot = chain.Snapshot;
        foreach (var vote in votes.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            snapshot = chain.Add(vote[0] - '0', IstanbulChainBuilder.Validator(vote[2] - '0'), vote[1] == '+');
        AssertIs(snapshot, expectedValidators, standing, tally);
        var read = IstanbulSnapshot.Decode(snapshot.Encode());
        Assert.Equal((snapshot.Number, snapshot.Hash), (read.Number, read.Hash));
        AssertIs(read, expectedValidators, standing, tally);
    }

    [Fact]
    public void Epoch_clears_votes_before_its_own()
    {
        var chain = new IstanbulChainBuilder(epoch: 3);
        chain.Add(0, IstanbulChainBuilder.Validator(7), add: true);
        AssertIs(chain.Add(1, IstanbulChainBuilder.Validator(7), add: true), "0123", "0+7 1+7", "7+2");
        AssertIs(chain.Add(2, IstanbulChainBuilder.Validator(7), add: true), "0123", "2+7", "7+1");
    }

    [Fact]
    public void Changes_take_effect_at_the_next_block()
    {
        var chain = new IstanbulChainBuilder();
        foreach (var voter in new[] { 0, 1, 2 })
        {
            Assert.StartsWith("unauthorized", chain.Engine.VerifyHeader(chain.Next(7), chain.Head), StringComparison.Ordinal);
            chain.Add(voter, IstanbulChainBuilder.Validator(7), add: true);
        }
        chain.Add(7);
    }

    [Fact]
    public void Checkpoints_bound_the_reading()
    {
        var chain = new IstanbulChainBuilder(1);
        for (var i = 0; i < 2060; i++) chain.Add(0, IstanbulChainBuilder.Validator(7), add: i == 1500);
        var counting = new CountingReader(chain.Store);
        var snapshot = chain.Chain.SnapshotAfter(counting, chain.Head);
        Assert.Equal("07", Show(snapshot.Validators.Addresses));
        Assert.InRange(counting.Reads, 1, 30);
        Assert.Equal("0", Show(chain.Chain.SnapshotAfter(chain.Store, HeaderAt(chain, 1500)).Validators.Addresses));
        Assert.Equal("07", Show(chain.Chain.SnapshotAfter(chain.Store, HeaderAt(chain, 1501)).Validators.Addresses));
        Assert.Equal("07", Show(new BftChain(chain.Config, CompatibilityProfile.V2_5, chain.Store).SnapshotAfter(chain.Head)
            .Validators.Addresses));
    }

    private static IstanbulHeaderRules With(IstanbulChainBuilder chain, IstanbulOptions options) =>
        new(new BftChain(chain.Config, CompatibilityProfile.V2_5, chain.Store, options));

    private static BlockHeader HeaderAt(IstanbulChainBuilder chain, ulong number)
    {
        var header = chain.Head;
        while (header.Number > number) header = ChainStore.GetHeader(chain.Store, header.ParentHash)!;
        return header;
    }

    private static void AssertIs(IstanbulSnapshot snapshot, string validators, string standing, string tally)
    {
        Assert.Equal(validators, Show(snapshot.Validators.Addresses));
        Assert.Equal(standing, string.Join(' ',
            snapshot.Votes.Select(v => $"{Name(v.Validator)}{(v.Authorize ? '+' : '-')}{Name(v.Candidate)}")));
        Assert.Equal(tally, string.Join(' ',
            snapshot.Tally.Select(t => $"{Name(t.Key)}{(t.Value.Authorize ? '+' : '-')}{t.Value.Votes}").Order(StringComparer.Ordinal)));
    }

    private static string Show(IEnumerable<Address> validators) => string.Concat(validators.Select(Name).Order());

    private static int Name(Address validator) => Enumerable.Range(0, 10).First(i => IstanbulChainBuilder.Validator(i) == validator);

    private sealed class CountingReader(IKeyValueReader inner) : IKeyValueReader
    {
        public int Reads { get; private set; }

        public byte[]? Get(ReadOnlySpan<byte> key)
        {
            Reads++;
            return inner.Get(key);
        }

        public IEnumerable<KeyValuePair<byte[], byte[]>> Scan(byte[] prefix, byte[]? from = null) => inner.Scan(prefix, from);
    }
}
