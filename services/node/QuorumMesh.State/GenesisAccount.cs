using QuorumMesh.Primitives;

namespace QuorumMesh.State;

/// <summary>One account of a genesis allocation or a test's pre-state.</summary>
public sealed record GenesisAccount(Address Address, UInt256 Balance)
{
    /// <summary>Nonce at the first block.</summary>
    public ulong Nonce { get; init; }

    /// <summary>Runtime code, not init code; empty for none.</summary>
    public byte[] Code { get; init; } = [];

    /// <summary>Slots by number; zero values are the same as none.</summary>
    public IReadOnlyDictionary<UInt256, UInt256> Storage { get; init; } = new Dictionary<UInt256, UInt256>();

    /// <summary>Writes the account into a state; present values are overwritten.</summary>
    public void ApplyTo(WorldState state)
    {
        state.SetBalance(Address, Balance);
        state.SetNonce(Address, Nonce);
        if (Code.Length > 0) state.SetCode(Address, Code);
        foreach (var (slot, value) in Storage)
            state.SetStorage(Address, slot, value);
    }
}
