using QuorumMesh.Chain.Extension;
using QuorumMesh.Node.Rpc.Api;
using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Node.Rpc.Json;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Calls;

/// <summary>What a management contract says of its extension.</summary>
/// <param name="Creator">The account that began it.</param>
/// <param name="Contract">What is extended.</param>
/// <param name="HasVoted">Whether the account that asks has.</param>
internal sealed record ManagementFacts(Address Creator, Address Contract, bool IsFinished, bool HasVoted, IReadOnlyList<Address> Voters);

/// <summary>Asks management contracts, ours and GoQuorum's alike, on the state of the head.</summary>
internal sealed class ManagementReader(EthCallApi calls, CallExecutor executor)
{
    /// <summary>GoQuorum's have two; whoever wrote another contract may have named any number.</summary>
    private const ulong MostVoters = 64;

    /// <param name="asking">Whose vote is looked for.</param>
    /// <exception cref="RpcException">In GoQuorum's words: there is no contract, or it is none of these.</exception>
    public ValueTask<ManagementFacts> ReadAsync(Address management, Address asking, CancellationToken cancellation) =>
        calls.RunAsync(cancellation, (scope, stop) => Read(new Question(this, scope, management, asking, stop)));

    /// <summary>Whether it has come to its end.</summary>
    /// <exception cref="RpcException">As <see cref="ReadAsync"/>.</exception>
    public ValueTask<bool> IsFinishedAsync(Address management, CancellationToken cancellation) => calls.RunAsync(cancellation,
        (scope, stop) => !new Question(this, scope, management, Address.Zero, stop).Word(ManagementContract.IsFinished).IsZero);

    private static ManagementFacts Read(Question question)
    {
        var isFinished = !question.Word(ManagementContract.IsFinished).IsZero;
        var contract = Address.FromWord(question.Word(ManagementContract.ContractToExtend));
        var count = question.Word(ManagementContract.VoterCount);
        if (count > (UInt256)MostVoters) throw new RpcException($"the management contract has more than {MostVoters} voters");
        var voters = new List<Address>();
        for (var i = 0ul; i < (ulong)count; i++) voters.Add(Address.FromWord(question.Word(ManagementContract.Voter(i))));
        var hasVoted = !question.Word(ManagementContract.HasVoted).IsZero;
        return new ManagementFacts(Address.FromWord(question.Word(ManagementContract.Creator)), contract, isFinished, hasVoted, voters);
    }

    private sealed record Question(
        ManagementReader Reader, ReadScope Scope, Address Management, Address Asking, CancellationToken Stop)
    {
        public UInt256 Word(byte[] input)
        {
            var header = Scope.Header(BlockTag.Latest) ?? throw new RpcException("header not found");
            var arguments = new CallArguments { From = Asking, To = Management, Data = input };
            if (Scope.Find(Management, header.Number).Account is not { } account || account.CodeHash == Hash256.EmptyCode)
                throw new RpcException("no contract code at given address");
            var output = Reader.Execute(Scope, header, arguments, Stop);
            return output.Length >= Hash256.Size ? UInt256.FromBigEndian(output.AsSpan(0, Hash256.Size))
                : throw new RpcException("abi: attempting to unmarshall an empty string while arguments are expected");
        }
    }

    /// <returns>Empty when the code failed.</returns>
    private byte[] Execute(ReadScope scope, Chain.BlockHeader header, CallArguments arguments, CancellationToken stop) =>
        executor.Run(scope, header, arguments, stop) is { PublicSuccess: true } outcome ? outcome.Output : [];
}
