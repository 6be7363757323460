using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Istanbul;

/// <summary>
/// IBFT 1.0 extra data: vanity(32) ‖ RLP([validators, seal, committedSeals]). The seal keeps the length it was given
/// (empty or 65 bytes), because it is part of the block hash.
/// </summary>
public sealed record IstanbulExtra(byte[] Vanity, IReadOnlyList<Address> Validators, byte[] Seal, IReadOnlyList<byte[]> CommittedSeals)
{
    /// <summary>Bytes before the list; any content.</summary>
    public const int VanitySize = 32;
    /// <summary>r ‖ s ‖ recovery id.</summary>
    public const int SealSize = 65;

    /// <summary>False when the bytes are too short, not canonical RLP of that shape, or followed by anything.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> extraData, out IstanbulExtra extra)
    {
        extra = null!;
        if (extraData.Length < VanitySize)
            return false;
        try
        {
            var reader = new RlpReader(extraData[VanitySize..]);
            var list = reader.ReadList();
            var validators = new List<Address>();
            for (var items = list.ReadList(); !items.End;)
                validators.Add(items.ReadAddress());
            var seal = list.ReadBytes().ToArray();
            var committed = new List<byte[]>();
            for (var items = list.ReadList(); !items.End;)
                committed.Add(items.ReadBytes().ToArray());
            // Strict: what does not decode is hashed as it stands, and a byte behind the list makes another block hash
            // (2.5:core/types/istanbul_test.go).
            list.ExpectEnd();
            reader.ExpectEnd();
            extra = new IstanbulExtra(extraData[..VanitySize].ToArray(), validators, seal, committed);
            return true;
        }
        catch (FormatException)
        {
            return false;
        }
    }

    /// <summary>The bytes of the header's field; seals keep their lengths, for they are part of what is hashed.</summary>
    public byte[] Encode()
    {
        var writer = new RlpWriter();
        var mark = writer.BeginList();
        var validators = writer.BeginList();
        foreach (var validator in Validators)
            writer.Write(validator);
        writer.EndList(validators);
        writer.Write(Seal);
        var seals = writer.BeginList();
        foreach (var seal in CommittedSeals)
            writer.Write(seal);
        writer.EndList(seals);
        writer.EndList(mark);

        var result = new byte[VanitySize + writer.WrittenSpan.Length];
        Vanity.CopyTo(result, 0);
        writer.WrittenSpan.CopyTo(result.AsSpan(VanitySize));
        return result;
    }
}
