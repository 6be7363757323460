namespace QuorumMesh.Contracts.Payloads;

/// <summary>
/// Tessera's binary form of a <see cref="PrivacyGroup"/>, between managers and in rows (tessera 3.6). The id is not in it.
/// </summary>
public static class PrivacyGroupCodec
{
    /// <summary>Members of one group.</summary>
    public const int MaxMembers = 1000;

    /// <summary>Bytes of a name, a description and a seed each.</summary>
    public const int MaxText = 4096;

    private const string Active = "ACTIVE";
    private const string Deleted = "DELETED";

    /// <summary>The bytes of a group.</summary>
    public static byte[] Encode(PrivacyGroup group)
    {
        var w = new WireWriter(128 + (group.Members.Count * 40));
        w.Text(group.Name);
        w.Text(group.Description);
        w.Keys(group.Members);
        w.Field(group.Seed);
        w.Text(Word(group.Type));
        w.Text(group.IsDeleted ? Deleted : Active);
        return w.ToArray();
    }

    /// <exception cref="WireFormatException">The bytes are no group; the message says where and why.</exception>
    public static PrivacyGroup Decode(ReadOnlySpan<byte> data)
    {
        var r = new WireReader(data);
        var (name, description) = (r.ReadText("name", MaxText), r.ReadText("description", MaxText));
        var members = r.ReadKeys("members", MaxMembers);
        var seed = r.ReadField("seed", MaxText).ToArray();
        var at = r.Position;
        var type = r.ReadText("type", 32) switch
        {
            "LEGACY" => PrivacyGroupType.Legacy,
            "PANTHEON" => PrivacyGroupType.Pantheon,
            "RESIDENT" => PrivacyGroupType.Resident,
            _ => throw new WireFormatException("type: is none of LEGACY, PANTHEON and RESIDENT", at),
        };
        at = r.Position;
        var isDeleted = r.ReadText("state", 32) switch
        {
            Active => false,
            Deleted => true,
            _ => throw new WireFormatException("state: is neither ACTIVE nor DELETED", at),
        };
        return new PrivacyGroup(name, description, members, seed, type, isDeleted);
    }

    /// <summary>As Tessera writes it, on the wire and in answers.</summary>
    public static string Word(PrivacyGroupType type) => type.ToString().ToUpperInvariant();
}
