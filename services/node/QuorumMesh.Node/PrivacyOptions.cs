using QuorumMesh.Node.Privacy;
using QuorumMesh.Node.Runtime;
using QuorumMesh.ServiceDefaults;
using QuorumMesh.Node.Runtime.Ports;

namespace QuorumMesh.Node;

/// <summary>Which transaction manager: ours by --privacy, Tessera's by PRIVATE_CONFIG as GoQuorum reads it.</summary>
internal static class PrivacyOptions
{
    private const string PrivateConfigName = "PRIVATE_CONFIG";

    public static ITransactionManager Open(string? privacy)
    {
        var config = Environment.GetEnvironmentVariable(PrivateConfigName);
        try
        {
            if (privacy is not null) return new GrpcTransactionManager(privacy);
            return string.IsNullOrEmpty(config) ? new IgnoringTransactionManager(isConfigured: false) : PrivateConfig.Parse(config).CreateManager();
        }
        catch (FormatException e)
        {
            throw new OptionsException(privacy is not null ? "--privacy" : PrivateConfigName, e.Message);
        }
    }
}
