using QuorumMesh.Primitives;

namespace QuorumMesh.State;

/// <summary>The state with no accounts.</summary>
public sealed class EmptyState : IStateReader, IStateRootSource
{
    /// <summary>It has no content, so one serves all.</summary>
    public static EmptyState Instance { get; } = new();

    private EmptyState()
    {
    }

    /// <inheritdoc/>
    public Account? GetAccount(in Address a) => null;

    /// <inheritdoc/>
    public UInt256 GetStorage(in Address a, in UInt256 slot) => UInt256.Zero;

    /// <inheritdoc/>
    public byte[]? GetCode(in Hash256 codeHash) => null;

    Hash256 IStateRootSource.RootAfter(StateChangeSet changes) => StateRoot.Compute(changes);
}
