using QuorumMesh.Primitives;

namespace QuorumMesh.Contracts.Payloads;

/// <summary>Who made a group; the words are on the wire and in rows (tessera 3.6).</summary>
public enum PrivacyGroupType
{
    /// <summary>Made implicitly, without a seed.</summary>
    Legacy,

    /// <summary>Made by a call, with a seed.</summary>
    Pantheon,

    /// <summary>Of one manager's keys, from its configuration; never told to another.</summary>
    Resident,
}

/// <summary>Keys that payloads are sent to together, under a name of their own (tessera 1.11).</summary>
/// <param name="Members">In the order in which they were given.</param>
/// <param name="Seed">Makes groups of the same members different; empty in one without.</param>
public sealed record PrivacyGroup(
    string Name, string Description, IReadOnlyList<PublicKey> Members, byte[] Seed, PrivacyGroupType Type, bool IsDeleted = false)
{
    /// <summary>Tessera's addition to the members, for looking them up in any order (tessera 4.8).</summary>
    private static readonly byte[] LookupSeed = Convert.FromHexString("5375ba871e5c3d0f1d055b5da0ac02ea035bed38");

    /// <summary>32 bytes: Keccak-256 over members and seed (tessera 4.8).</summary>
    public Hash256 Id => KnownAs ?? Hash(Members, Seed);

    /// <summary>The id under which a Tessera stored it, whose rule differs for long groups; null computes it.</summary>
    public Hash256? KnownAs { get; init; }

    /// <summary>32 bytes, of the members alone, whatever their order.</summary>
    public Hash256 LookupId => LookupIdOf(Members);

    /// <summary>The <see cref="LookupId"/> of a group of these members.</summary>
    public static Hash256 LookupIdOf(IReadOnlyList<PublicKey> members) => Hash(members, LookupSeed);

    /// <remarks>
    /// Correct RLP at any length. Tessera from 21.4 on writes the length of more than 255 bytes (8 members of 32 bytes) backwards, and the
    /// id of such a group differs there.
    /// </remarks>
    private static Hash256 Hash(IReadOnlyList<PublicKey> members, byte[] seed)
    {
        var rlp = new RlpWriter(64 + (members.Count * 34));
        var list = rlp.BeginList();
        // A stable sort of distinct keys: two with the same number stay in their order.
        foreach (var member in members.Distinct().OrderBy(JavaHash))
            rlp.Write(member.Span);
        if (seed.Length > 0)
            rlp.Write(seed);
        rlp.EndList(list);
        return Keccak.Hash(rlp.WrittenSpan);
    }

    /// <summary>Java's Arrays.hashCode of the bytes, by which Tessera sorts.</summary>
    private static int JavaHash(PublicKey key)
    {
        var hash = 1;
        foreach (var b in key.Span)
            hash = unchecked((31 * hash) + (sbyte)b);
        return hash;
    }
}
