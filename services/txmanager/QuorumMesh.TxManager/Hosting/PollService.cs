using QuorumMesh.TxManager.Core;

namespace QuorumMesh.TxManager.Hosting;

internal sealed class PollService(PartyPoller poller) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => poller.RunAsync(stoppingToken);
}
