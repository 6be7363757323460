using QuorumMesh.Node.Privacy;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Outbound;
using QuorumMesh.ServiceDefaults;

namespace QuorumMesh.Node;

/// <summary>Which transaction manager: ours by --privacy, Tessera's by --ptm.… or PRIVATE_CONFIG as GoQuorum reads them.</summary>
internal static class PrivacyOptions
{
    private const string PrivateConfigName = "PRIVATE_CONFIG";

    /// <param name="flags">Win over PRIVATE_CONFIG, as in GoQuorum.</param>
    public static ITransactionManager Open(string? privacy, ManagerFlags flags, OutboundHandlers handlers)
    {
        var text = Environment.GetEnvironmentVariable(PrivateConfigName);
        try
        {
            if (privacy is not null) return new GrpcTransactionManager(privacy, handlers: handlers);
            if (flags.IsGiven)
                return PrivateConfig.Of(flags.Socket, flags.Url).With(flags.Timeout, flags.DialTimeout).CreateManager(handlers);
            return string.IsNullOrEmpty(text) ? new IgnoringTransactionManager(isConfigured: false)
                : PrivateConfig.Parse(text).With(flags.Timeout, flags.DialTimeout).CreateManager(handlers);
        }
        catch (FormatException e)
        {
            throw new OptionsException(privacy is not null ? "--privacy" : PrivateConfigName, e.Message);
        }
    }
}
