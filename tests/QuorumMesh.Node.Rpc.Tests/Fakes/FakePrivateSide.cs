using QuorumMesh.Node.Runtime;

namespace QuorumMesh.Node.Rpc.Tests.Fakes;

internal sealed class FakePrivateSide : IPrivateSide
{
    public PrivateSideReport Report { get; set; } = new(0, 0, null, null, null, null, null, 0, null);

    public ManagerCheck Check { get; set; } = new(0, 0, []);

    public int Checks { get; private set; }

    public int Accepted { get; private set; }

    public Task<PrivateSideReport> ReportAsync(CancellationToken cancellation) => Task.FromResult(Report);

    public Task<ManagerCheck> CheckManagerAsync(CancellationToken cancellation)
    {
        Checks++;
        return Task.FromResult(Check);
    }

    public Task AcceptManagerAsync(CancellationToken cancellation)
    {
        if (Report.Refusal is null) throw new InvalidOperationException("the transaction manager is accepted already");
        Accepted++;
        return Task.CompletedTask;
    }

    public Task<LateLook> AskAgainAsync(ulong? blocks, CancellationToken cancellation) =>
        Task.FromResult(new LateLook((int)(blocks ?? 10_000), 1, null));

    public Task<ulong> RewindAsync(ulong? block, CancellationToken cancellation) =>
        Task.FromResult(block ?? (Report.FirstLateBlock - 1)
            ?? throw new InvalidOperationException("no payload came too late: name the block to go back to"));
}
