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
    /// <param name="tell">Takes a line for the log about what is used and is not safe.</param>
    /// <exception cref="OptionsException">A setting cannot be used.</exception>
    /// <exception cref="TlsSetupException">A file of certificates cannot be used.</exception>
    public static ITransactionManager Open(string? privacy, PinnedManager pinned, ManagerFlags flags, OutboundHandlers handlers,
        TlsMaterials materials, Action<string> tell)
    {
        var text = Environment.GetEnvironmentVariable(PrivateConfigName);
        try
        {
            if (privacy is not null)
                return new GrpcTransactionManager(privacy, handlers: handlers, tls: pinned.Client(privacy, materials));
            if (flags.IsGiven)
                return Create(PrivateConfig.Of(flags.Socket, flags.Url, flags.Tls));
            return string.IsNullOrEmpty(text) ? new IgnoringTransactionManager(isConfigured: false)
                : Create(PrivateConfig.Parse(text));
        }
        catch (FormatException e)
        {
            throw new OptionsException(privacy is not null ? "--privacy" : flags.IsGiven ? "--ptm.url" : PrivateConfigName, e.Message);
        }

        ITransactionManager Create(PrivateConfig config)
        {
            if (config.Tls?.Warning is { } warning) tell(warning);
            return config.With(flags.Timeout, flags.DialTimeout).CreateManager(handlers, materials);
        }
    }
}
