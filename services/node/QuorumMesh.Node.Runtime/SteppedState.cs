using QuorumMesh.Primitives;
using QuorumMesh.State;

namespace QuorumMesh.Node.Runtime;

/// <summary>
/// One block's state, read through another snapshot of the store in each step: a snapshot that stayed open over all of them would
/// keep on disk whatever is replaced.
/// </summary>
internal sealed class SteppedState : IStateReader, IStorageRootSource
{
    private IStateReader? _now;

    /// <summary>What is read until the next call; null between two steps.</summary>
    public void Read(IStateReader? state) => _now = state;

    public Account? GetAccount(in Address a) => Now.GetAccount(a);

    public UInt256 GetStorage(in Address a, in UInt256 slot) => Now.GetStorage(a, slot);

    public byte[]? GetCode(in Hash256 codeHash) => Now.GetCode(codeHash);

    public Hash256 StorageRootAfter(AccountChange change) => Now is IStorageRootSource source
        ? source.StorageRootAfter(change) : throw new InvalidOperationException($"no storage root over a {Now.GetType().Name}");

    private IStateReader Now => _now ?? throw new InvalidOperationException("the state is read between two steps");
}
