using System.Runtime.CompilerServices;
using QuorumMesh.Chain.Payloads;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;

namespace QuorumMesh.Simulation.Node;

/// <summary>
/// One life's connection to the node's manager: answers come late and in parts, and what arrives between question and answer is not in the
/// answer.
/// </summary>
internal sealed class ManagerLink(SimulatedNode node, NodeNetwork network, TimeProvider clock) : ITransactionManager
{
    public bool Enabled => true;

    public async Task<IReadOnlyList<PayloadAnswer>> ReceiveAsync(IReadOnlyList<PayloadHash> hashes, CancellationToken cancellation)
    {
        await Task.Delay(network.QuestionDelay(), clock, cancellation);
        var answers = hashes.Take(network.AnswersAtOnce()).Select(hash => node.Manager.Answer(hash, network.Now)).ToList();
        await Task.Delay(network.AnswerDelay(), clock, cancellation);
        return answers;
    }

    /// <summary>In order, each some time after the one before.</summary>
    public async IAsyncEnumerable<AvailablePayload> WatchAsync(long afterSequence, [EnumeratorCancellation] CancellationToken cancellation)
    {
        for (var sequence = afterSequence; ;)
        {
            await Task.Delay(network.WatchDelay(), clock, cancellation);
            if (node.Manager.ArrivalsAfter(sequence).FirstOrDefault() is not { Sequence: > 0 } arrival) continue;
            sequence = arrival.Sequence;
            network.Arrived(node);
            yield return new AvailablePayload(arrival.Sequence, arrival.Hash);
        }
    }

    public Task<PayloadAnswer> SendAsync(SendArguments arguments, CancellationToken cancellation) => throw new NotSupportedException();

    public Task<PayloadHash> StoreRawAsync(byte[] payload, string? privateFrom, CancellationToken cancellation) =>
        throw new NotSupportedException();

    public Task SendSignedAsync(PayloadHash hash, IReadOnlyList<string> privateFor, SendPrivacy privacy, CancellationToken cancellation) =>
        throw new NotSupportedException();
}
