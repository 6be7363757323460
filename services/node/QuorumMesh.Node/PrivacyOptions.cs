using QuorumMesh.Node.Privacy;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Outbound;
using QuorumMesh.ServiceDefaults;
using QuorumMesh.Tls;

namespace QuorumMesh.Node;

/// <summary>Which transaction manager: ours by --privacy, Tessera's by --ptm.… or PRIVATE_CONFIG as GoQuorum reads them.</summary>
internal static class PrivacyOptions
{
    private const string PrivateConfigName = "PRIVATE_CONFIG";

    /// <param name="flags">Win over PRIVATE_CONFIG, as in GoQuorum.</param>
    /// <exception cref="OptionsException">A setting cannot be used.</exception>
    /// <exception cref="TlsSetupException">A file of certificates cannot be used.</exception>
    public static ITransactionManager Open(string? privacy, PinnedManager pinned, ManagerFlags flags, OutboundHandlers handlers,
        TlsMaterials materials)
    {
        var text = Environment.GetEnvironmentVariable(PrivateConfigName);
        try
        {
            if (privacy is not null)
                return new GrpcTransactionManager(privacy, handlers: handlers, tls: pinned.Client(privacy, materials));
            if (flags.IsGiven)
                return PrivateConfig.Of(flags.Socket, flags.Url, flags.Tls).With(flags.Timeout, flags.DialTimeout)
                    .CreateManager(handlers, materials);
            return string.IsNullOrEmpty(text) ? new IgnoringTransactionManager(isConfigured: false)
                : PrivateConfig.Parse(text).With(flags.Timeout, flags.DialTimeout).CreateManager(handlers, materials);
        }
        catch (FormatException e)
        {
            throw new OptionsException(privacy is not null ? "--privacy" : flags.IsGiven ? "--ptm.url" : PrivateConfigName, e.Message);
        }
    }
}
