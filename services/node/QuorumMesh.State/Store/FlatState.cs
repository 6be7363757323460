using QuorumMesh.Primitives;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.State.Store;

/// <summary>Reads of the flat table and the code table.</summary>
internal static class FlatState
{
    public static Account? Account(IKeyValueReader reader, StateKeys keys, in Address a)
    {
        var key = keys.Account(a);
        return reader.Get(key) is { } stored ? SlimAccount.Decode(SealedValue.Open(key, stored)) : null;
    }

    public static UInt256 Slot(IKeyValueReader reader, StateKeys keys, in Address a, in UInt256 slot)
    {
        var key = keys.Slot(a, slot);
        return reader.Get(key) is { } stored ? UInt256.FromBigEndian(SealedValue.Open(key, stored)) : UInt256.Zero;
    }

    public static byte[]? Code(IKeyValueReader reader, in Hash256 hash)
    {
        // The empty code is never stored.
        if (hash == Hash256.EmptyCode) return [];
        var key = StateKeys.Code(hash);
        if (reader.Get(key) is not { } stored) return null;
        var code = SealedValue.Open(key, stored);
        // The key names the hash, so what is served is compared with it. The checksum alone finds chance, not a wrong file.
        return Keccak.Hash(code) == hash ? code.ToArray()
            : throw new StateCorruptException($"damaged code: what is stored as {hash} hashes to something else");
    }
}
