using QuorumMesh.Chain.Payloads;
using QuorumMesh.Primitives;
using QuorumMesh.State;

namespace QuorumMesh.Chain.Execution;

/// <summary>What the transactions of a block are run on.</summary>
/// <typeparam name="TState">State layers where the states after the block are to stand on them, plain readers elsewhere.</typeparam>
/// <param name="PublicState">Before the block.</param>
/// <param name="PrivateState">Before the block; null to run the public side only.</param>
/// <param name="BlockHash">Of an earlier block, by its number; zero for one that is not there.</param>
/// <param name="Payloads">
/// What is known of a payload, asked only with a private state; null for one that nothing is known of, or altogether when nothing
/// is of any.
/// </param>
/// <param name="Votes">The same for votes on contract extensions: whether they are this participant's.</param>
public sealed record ExecutionInputs<TState>(
    TState PublicState, TState? PrivateState, Func<ulong, Hash256> BlockHash, Func<PayloadHash, PayloadAnswer?>? Payloads = null,
    Func<PayloadHash, VoteAnswer?>? Votes = null)
    where TState : class, IStateReader
{
    /// <summary>The settled answer about a payload; null when the private side cannot go on without another one.</summary>
    public PayloadAnswer? AnswerFor(in PayloadHash hash) => Payloads?.Invoke(hash) is { IsSettled: true } answer ? answer : null;

    /// <summary>The settled answer about a vote; null when there is none.</summary>
    public VoteAnswer? VoteFor(in PayloadHash hash) => Votes?.Invoke(hash) is { IsSettled: true } vote ? vote : null;

    /// <summary>The same, as execution takes it.</summary>
    public ExecutionInputs<IStateReader> AsReaders() => new(PublicState, PrivateState, BlockHash, Payloads, Votes);
}
