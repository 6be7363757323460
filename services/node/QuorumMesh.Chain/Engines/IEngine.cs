using QuorumMesh.Evm;
using QuorumMesh.Primitives;
using QuorumMesh.State;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.Chain.Engines;

/// <summary>What block building and import ask of a consensus engine.</summary>
public interface IEngine
{
    /// <summary>The account behind COINBASE and fees; under IBFT the recovered proposer.</summary>
    /// <exception cref="InvalidBlockException">The seal does not recover.</exception>
    Address Author(BlockHeader header);

    /// <summary>Checks a header against its parent; null when it is valid, else the reason.</summary>
    string? VerifyHeader(BlockHeader header, BlockHeader parent);

    /// <summary>A header to build on <paramref name="parent"/>: number, time, difficulty, gas limit. Roots are filled in by the builder.</summary>
    /// <param name="now">UNIX time: nanoseconds under Raft, whatever the unit of its header times, seconds under IBFT.</param>
    BlockHeader Prepare(BlockHeader parent, ulong now);

    /// <summary>Block rewards, after the last transaction.</summary>
    void Finalise(BlockHeader header, IWorldState publicState);

    /// <summary>What the engine stores in the batch that makes the block the head.</summary>
    void PutAlongside(KeyValueBatch batch, BlockHeader header)
    {
    }
}
