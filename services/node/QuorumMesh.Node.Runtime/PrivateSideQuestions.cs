using QuorumMesh.Chain;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.Node.Runtime;

/// <summary>The operator's questions to the private side, on the writer loop or on a snapshot.</summary>
internal sealed class PrivateSideQuestions(NodeStores stores, ITransactionManager manager, NodeService node) : IPrivateSide
{
    private const int HashesPerQuestion = 64;
    private const int MostListed = 10;

    /// <summary>One for all who ask: they ask one at a time.</summary>
    private readonly LatePayloadLookout _lookout = new(manager, stores, node.TryPost, TimeProvider.System);

    public Task<PrivateSideReport> ReportAsync(CancellationToken cancellation) =>
        node.AskAsync<PrivateSideReport>(static to => new NodeQuestion.PrivateReport(to), cancellation);

    public Task AcceptManagerAsync(CancellationToken cancellation) =>
        node.AskAsync<Taken>(static to => new NodeQuestion.AcceptManager(to), cancellation);

    public Task<LateLook> AskAgainAsync(ulong? blocks, CancellationToken cancellation) =>
        _lookout.LookAsync(blocks ?? NodeCoreSetup.DefaultPrivateRewindLimit, pauses: false, cancellation);

    public Task<ulong> RewindAsync(ulong? block, CancellationToken cancellation) =>
        node.AskAsync<ulong>(to => new NodeQuestion.RewindPrivate(block, to), cancellation);

    public async Task<ManagerCheck> CheckManagerAsync(CancellationToken cancellation)
    {
        using var snapshot = stores.KeyValues.Snapshot();
        var (count, lost, lostCount) = (0, new List<PayloadHash>(), 0);
        foreach (var some in Run(snapshot).Chunk(HashesPerQuestion))
            for (var done = 0; done < some.Length;)
            {
                var answers = await manager.ReceiveAsync(some[done..], cancellation).ConfigureAwait(false);
                foreach (var answer in answers)
                {
                    if (answer.Availability == PayloadAvailability.Unavailable)
                        throw new TransactionManagerException($"the transaction manager is not available ({answer.Reason})");
                    if (answer.Availability == PayloadAvailability.Here) continue;
                    lostCount++;
                    if (lost.Count < MostListed) lost.Add(answer.Hash);
                }
                done += Math.Max(1, answers.Count);
                count += answers.Count;
            }
        return new ManagerCheck(count, lostCount, lost);
    }

    /// <summary>The payloads that were run, block by block.</summary>
    private IEnumerable<PayloadHash> Run(IKeyValueReader snapshot)
    {
        var last = ChainStore.GetPrivateHead(snapshot)?.Number ?? 0;
        for (var number = 1ul; number <= last; number++)
        {
            var block = ChainStore.GetBlock(snapshot, number)
                ?? throw new ChainCorruptException($"block {number} is below the head and not stored");
            foreach (var hash in MarkedPayloads.WithNamed(snapshot, stores.Rules, block))
                if (!SkippedPayloads.Contains(snapshot, hash)) yield return hash;
        }
    }
}
