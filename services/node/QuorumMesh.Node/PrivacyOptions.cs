using QuorumMesh.Node.Privacy;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Ports;

namespace QuorumMesh.Node;

/// <summary>Which transaction manager: ours by --privacy, Tessera's by PRIVATE_CONFIG as GoQuorum reads it.</summary>
internal static class PrivacyOptions
{
    private const string PrivateConfigName = "PRIVATE_CONFIG";

    public static ITransactionManager Open(string? privacy)
    {
        if (privacy is not null) return new GrpcTransactionManager(privacy);
        var config = Environment.GetEnvironmentVariable(PrivateConfigName);
        return string.IsNullOrEmpty(config) ? new IgnoringTransactionManager() : PrivateConfig.Parse(config).CreateManager();
    }
}
