using System.Collections.Immutable;
using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Istanbul;

/// <summary>A validator's standing vote.</summary>
/// <param name="Block">Where it was cast.</param>
public sealed record IstanbulVote(Address Validator, ulong Block, Address Candidate, bool Authorize);

/// <summary>Votes about one candidate.</summary>
public readonly record struct IstanbulTally(bool Authorize, int Votes);

/// <summary>Validators and standing votes after a block. Immutable (GoQuorum 2.5 consensus/istanbul/backend/snapshot.go).</summary>
public sealed record IstanbulSnapshot
{
    /// <summary>Header nonce of a vote to add; 0 is one to drop, or none.</summary>
    public const ulong AddNonce = ulong.MaxValue;

    private const ulong DropNonce = 0;

    private IstanbulSnapshot()
    {
    }

    /// <summary>The block that it is after.</summary>
    public ulong Number { get; private init; }

    /// <summary>That block's hash.</summary>
    public Hash256 Hash { get; private init; }

    /// <summary>Validators of the block after it.</summary>
    public required ValidatorSet Validators { get; init; }

    /// <summary>In the order they were cast.</summary>
    public ImmutableList<IstanbulVote> Votes { get; private init; } = [];

    /// <summary>Standing votes by candidate.</summary>
    public ImmutableDictionary<Address, IstanbulTally> Tally { get; private init; } = ImmutableDictionary<Address, IstanbulTally>.Empty;

    /// <summary>Headers carry no other nonce.</summary>
    public static bool IsVoteNonce(ulong nonce) => nonce is AddNonce or DropNonce;

    /// <summary>After block 0.</summary>
    public static IstanbulSnapshot OfGenesis(BlockHeader genesis, ValidatorSet validators) =>
        new() { Number = genesis.Number, Hash = genesis.Hash, Validators = validators };

    /// <summary>The snapshot after the next block.</summary>
    /// <param name="proposer">The author of the header.</param>
    /// <param name="vote">What the header says; the zero address is no candidate.</param>
    /// <param name="epoch">Blocks between two resets of the votes.</param>
    /// <exception cref="InvalidBlockException">The proposer is no validator.</exception>
    public IstanbulSnapshot Apply(BlockHeader header, in Address proposer, ValidatorVote vote, ulong epoch)
    {
        if (header.Number != Number + 1 || header.ParentHash != Hash) throw new InvalidBlockException("invalid voting chain");
        if (!Validators.Contains(proposer)) throw new InvalidBlockException("unauthorized");
        var next = this with { Number = header.Number, Hash = header.Hash };
        // Before the block's own vote, which therefore stands.
        if (header.Number % epoch == 0) next = next with { Votes = [], Tally = ImmutableDictionary<Address, IstanbulTally>.Empty };
        return next.Revote(proposer, header.Number, vote.Candidate, vote.Authorize).Count(vote.Candidate);
    }

    /// <summary>The vote would change something (checkVote): others are cast by nobody.</summary>
    public bool IsMeaningful(ValidatorVote vote) => Validators.Contains(vote.Candidate) != vote.Authorize;

    /// <summary>
    /// The validator's earlier vote about the candidate gives way to this one, which only stands when it would change something.
    /// </summary>
    private IstanbulSnapshot Revote(Address validator, ulong block, Address candidate, bool authorize)
    {
        var earlier = Votes.FindIndex(v => v.Validator == validator && v.Candidate == candidate);
        var next = earlier < 0 ? this : this with { Votes = Votes.RemoveAt(earlier), Tally = Uncast(Tally, Votes[earlier]) };
        if (Validators.Contains(candidate) == authorize) return next;
        var tally = next.Tally.TryGetValue(candidate, out var so) ? so with { Votes = so.Votes + 1 } : new IstanbulTally(authorize, 1);
        return next with
        {
            Tally = next.Tally.SetItem(candidate, tally),
            Votes = next.Votes.Add(new IstanbulVote(validator, block, candidate, authorize))
        };
    }

    /// <summary>
    /// More than half of the validators decide. Votes of a dropped validator, and all about the candidate, are gone then.
    /// </summary>
    private IstanbulSnapshot Count(Address candidate)
    {
        if (!Tally.TryGetValue(candidate, out var tally) || tally.Votes <= Validators.Count / 2) return this;
        var (votes, tallies) = (Votes, Tally);
        if (!tally.Authorize)
        {
            foreach (var vote in votes.Where(v => v.Validator == candidate)) tallies = Uncast(tallies, vote);
            votes = votes.RemoveAll(v => v.Validator == candidate);
        }
        return this with
        {
            Validators = tally.Authorize ? Validators.With(candidate) : Validators.Without(candidate),
            Votes = votes.RemoveAll(v => v.Candidate == candidate),
            Tally = tallies.Remove(candidate),
        };
    }

    private static ImmutableDictionary<Address, IstanbulTally> Uncast(ImmutableDictionary<Address, IstanbulTally> tallies,
        IstanbulVote vote)
    {
        if (!tallies.TryGetValue(vote.Candidate, out var tally) || tally.Authorize != vote.Authorize) return tallies;
        return tally.Votes > 1 ? tallies.SetItem(vote.Candidate, tally with { Votes = tally.Votes - 1 }) : tallies.Remove(vote.Candidate);
    }

    /// <summary>RLP [number, hash, [validator…], [[validator, block, candidate, authorize]…], [[candidate, authorize, votes]…]].</summary>
    public byte[] Encode()
    {
        var writer = new RlpWriter();
        var mark = writer.BeginList();
        writer.Write(Number);
        writer.Write(Hash);
        var validators = writer.BeginList();
        foreach (var validator in Validators.Addresses) writer.Write(validator);
        writer.EndList(validators);
        var votes = writer.BeginList();
        foreach (var vote in Votes)
        {
            var item = writer.BeginList();
            writer.Write(vote.Validator);
            writer.Write(vote.Block);
            writer.Write(vote.Candidate);
            writer.Write(vote.Authorize);
            writer.EndList(item);
        }
        writer.EndList(votes);
        var tallies = writer.BeginList();
        foreach (var (candidate, tally) in Tally.OrderBy(t => t.Key))
        {
            var item = writer.BeginList();
            writer.Write(candidate);
            writer.Write(tally.Authorize);
            writer.Write((ulong)tally.Votes);
            writer.EndList(item);
        }
        writer.EndList(tallies);
        writer.EndList(mark);
        return writer.ToArray();
    }

    /// <exception cref="FormatException">Not what <see cref="Encode"/> writes.</exception>
    public static IstanbulSnapshot Decode(ReadOnlySpan<byte> bytes)
    {
        var reader = new RlpReader(bytes);
        var list = reader.ReadList();
        var (number, hash) = (list.ReadUInt64(), list.ReadHash256());
        var validators = new List<Address>();
        for (var items = list.ReadList(); !items.End;) validators.Add(items.ReadAddress());
        var votes = ImmutableList.CreateBuilder<IstanbulVote>();
        for (var items = list.ReadList(); !items.End;)
        {
            var item = items.ReadList();
            votes.Add(new IstanbulVote(item.ReadAddress(), item.ReadUInt64(), item.ReadAddress(), item.ReadBool()));
        }
        var tally = ImmutableDictionary.CreateBuilder<Address, IstanbulTally>();
        for (var items = list.ReadList(); !items.End;)
        {
            var item = items.ReadList();
            tally[item.ReadAddress()] = new IstanbulTally(item.ReadBool(), item.ReadInt32());
        }
        list.ExpectEnd();
        reader.ExpectEnd();
        return new IstanbulSnapshot
        {
            Number = number,
            Hash = hash,
            Validators = new ValidatorSet(validators),
            Votes = votes.ToImmutable(),
            Tally = tally.ToImmutable()
        };
    }
}
