using QuorumMesh.Cli.Network;

namespace QuorumMesh.EndToEnd.Peers;

/// <summary>
/// Transaction managers of ours with their enclaves, as processes, for nodes of either kind: ours come by gRPC, GoQuorum's by Tessera's
/// Q2T on the socket.
/// </summary>
internal sealed class MixedManagers : IAsyncDisposable
{
    private readonly NetworkRunner _runner;
    private readonly NetworkDefinition _definition;

    /// <param name="firstPort">Of ten for each.</param>
    public MixedManagers(string directory, int count, int firstPort)
    {
        LocalNetwork.UseArtifacts();
        var request = new NetworkRequest(
            directory, count, NetworkRequest.Raft, "constantinople", MixedCluster.ChainId, Profile: null, PortOffset: 0);
        _definition = NetworkCreator.Create(request with { DensePortsFrom = firstPort });
        _runner = new NetworkRunner(directory, _definition);
    }

    public IReadOnlyList<Participant> Participants => _definition.Participants;

    private List<ServiceProcess> Services => [.. _runner.Services.Where(s => s.Kind != ServiceKind.Node)];

    public async Task StartAsync()
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(10) };
        foreach (var service in Services) _runner.StartOne(service);
        foreach (var service in Services) await _runner.WaitReadyAsync(http, service, CancellationToken.None);
    }

    /// <summary>Ends the manager of a participant.</summary>
    public async Task StopAsync(Participant participant) =>
        await _runner.EndAsync([Manager(participant)], _ => { });

    /// <summary>Starts it again.</summary>
    public async Task StartAsync(Participant participant)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(10) };
        _runner.StartOne(Manager(participant));
        await _runner.WaitReadyAsync(http, Manager(participant), CancellationToken.None);
    }

    public async ValueTask DisposeAsync() => await _runner.EndAsync(Services, _ => { });

    private ServiceProcess Manager(Participant participant) =>
        Services.Single(s => s.Participant == participant && s.Kind == ServiceKind.TxManager);
}
