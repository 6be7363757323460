using QuorumMesh.Node.Runtime.Consensus;
using QuorumMesh.Node.Runtime.Health;

namespace QuorumMesh.Node.Runtime.Tests;

/// <summary>Of a chain on which nothing is decided while the test runs.</summary>
internal sealed class NoDriver : IConsensusDriver
{
    public string? Refusal => null;

    public Electorate Electorate { get; } = Electorate.Majority(new HashSet<string>());

    public void Step(ConsensusInput input, NodeTime now, ConsensusOutputs outputs)
    {
    }
}
