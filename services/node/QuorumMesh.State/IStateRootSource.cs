using QuorumMesh.Primitives;

namespace QuorumMesh.State;

/// <summary>A state over which the root after further changes can be computed without storing anything.</summary>
internal interface IStateRootSource
{
    Hash256 RootAfter(StateChangeSet changes);
}
