using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Istanbul;

/// <summary>
/// QBFT extra data: RLP([vanity, validators, vote, round, committedSeals]) (24:core/types/istanbul.go QBFTExtra). There is no proposer
/// seal: the proposer is the header's coinbase.
/// </summary>
/// <param name="Vanity">32 bytes by custom; any length is read.</param>
/// <param name="Validators">Before the block; empty while a contract names them. Nobody checks it.</param>
/// <param name="Vote">Null for the empty list that stands for no vote.</param>
/// <param name="Round">In which the block was decided; 0 until then. Not part of the block hash.</param>
/// <param name="CommittedSeals">65 bytes each, none until the block is decided. Not part of the block hash.</param>
public sealed record QbftExtra(
    byte[] Vanity, IReadOnlyList<Address> Validators, QbftVote? Vote, uint Round, IReadOnlyList<byte[]> CommittedSeals)
{
    /// <summary>False when the bytes are not canonical RLP of that shape, or are followed by anything.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> extraData, out QbftExtra extra)
    {
        extra = null!;
        try
        {
            var reader = new RlpReader(extraData);
            var list = reader.ReadList();
            var vanity = list.ReadBytes().ToArray();
            var validators = new List<Address>();
            for (var items = list.ReadList(); !items.End;) validators.Add(items.ReadAddress());
            var vote = ReadVote(list.ReadList());
            var round = list.ReadUInt32();
            var seals = new List<byte[]>();
            for (var items = list.ReadList(); !items.End;) seals.Add(items.ReadBytes().ToArray());
            list.ExpectEnd();
            reader.ExpectEnd();
            extra = new QbftExtra(vanity, validators, vote, round, seals);
            return true;
        }
        catch (FormatException)
        {
            return false;
        }
    }

    /// <summary>The bytes of the header's field.</summary>
    public byte[] Encode()
    {
        var writer = new RlpWriter();
        var mark = writer.BeginList();
        writer.Write(Vanity);
        var validators = writer.BeginList();
        foreach (var validator in Validators) writer.Write(validator);
        writer.EndList(validators);
        var vote = writer.BeginList();
        if (Vote is { } cast)
        {
            writer.Write(cast.Recipient);
            // An integer: to drop, which is 0, is the empty string.
            writer.Write((ulong)cast.Type);
        }
        writer.EndList(vote);
        writer.Write((ulong)Round);
        var seals = writer.BeginList();
        foreach (var seal in CommittedSeals) writer.Write(seal);
        writer.EndList(seals);
        writer.EndList(mark);
        return writer.ToArray();
    }

    private static QbftVote? ReadVote(RlpReader vote)
    {
        if (vote.End) return null;
        var (recipient, type) = (vote.ReadAddress(), vote.ReadUInt32());
        vote.ExpectEnd();
        return type <= byte.MaxValue ? new QbftVote(recipient, (byte)type) : throw new FormatException("a vote type has one byte");
    }
}

/// <param name="Recipient">The candidate.</param>
/// <param name="Type"><see cref="Add"/> or <see cref="Drop"/>; another is read and is no vote.</param>
public readonly record struct QbftVote(Address Recipient, byte Type)
{
    public const byte Add = 0xff;
    public const byte Drop = 0;
}
