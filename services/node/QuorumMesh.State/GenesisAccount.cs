using QuorumMesh.Primitives;

namespace QuorumMesh.State;

/// <summary>One account of a genesis allocation or a test's pre-state.</summary>
public sealed record GenesisAccount(Address Address, UInt256 Balance)
{
    public ulong Nonce { get; init; }

    public byte[] Code { get; init; } = [];

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
