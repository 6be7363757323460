using QuorumMesh.Primitives;

namespace QuorumMesh.Evm;

/// <summary>
/// The accounts whose code a run entered, by any kind of call, and those that it made; what was reverted counts too
/// (24:core/vm/evm.go affectedContracts). An account without code counts when it is called and there. Not thread safe.
/// </summary>
public sealed class AffectedContracts
{
    private readonly Dictionary<Address, bool> _isCreated = [];

    /// <summary>All of them, in no order.</summary>
    public IReadOnlyCollection<Address> All => _isCreated.Keys;

    /// <summary>Entered and not made in this run.</summary>
    public IEnumerable<Address> Called => _isCreated.Where(static a => !a.Value).Select(static a => a.Key);

    /// <summary>Made in this run.</summary>
    public IEnumerable<Address> Created => _isCreated.Where(static a => a.Value).Select(static a => a.Key);

    internal void NoteCall(in Address address) => _isCreated.TryAdd(address, false);

    internal void NoteCreation(in Address address) => _isCreated[address] = true;
}
