using Microsoft.Extensions.Hosting.Systemd;

namespace QuorumMesh.ServiceDefaults;

/// <summary>
/// Tells systemd how far a service is (<c>Type=notify</c>, sd_notify(3)); elsewhere it does nothing. The framework's own lifetime would
/// say "ready" when the health listener is, which is before a node has opened its chain.
/// </summary>
public static class ServiceNotice
{
    /// <summary>The service does its work from now on; units that wait for it go on.</summary>
    public static void Ready() => Tell(ServiceState.Ready);

    /// <summary>The service was asked to end and does so.</summary>
    public static void Stopping() => Tell(ServiceState.Stopping);

    private static void Tell(ServiceState state)
    {
        var systemd = new SystemdNotifier();
        if (systemd.IsEnabled) systemd.Notify(state);
    }
}
