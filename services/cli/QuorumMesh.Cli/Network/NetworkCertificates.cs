using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;

namespace QuorumMesh.Cli.Network;

/// <summary>
/// The certificates of a local network: one authority, and for each participant's services one each. The managers' P2P goes by them,
/// as a Tessera's would (trust mode CA); Raft members prove themselves by their node keys and need none.
/// </summary>
internal static class NetworkCertificates
{
    private const string Manager = "txmanager";
    private static readonly string[] Services = ["node", Manager, "enclave"];
    private static readonly TimeSpan RenewAhead = TimeSpan.FromDays(30);

    public static void Write(string directory, IEnumerable<Member> members, DateTimeOffset now)
    {
        using var authority = CertificateAuthority.Create(AuthorityDirectory(directory), now);
        foreach (var member in members)
            foreach (var service in Services)
                authority.Issue(member.CertificateDirectory, service, now);
    }

    /// <summary>Tessera's sslConfig for a manager's P2P server and its calls.</summary>
    public static JsonObject SslConfig(Member member)
    {
        var ssl = new JsonObject { ["tls"] = "STRICT", ["sslConfigType"] = "SERVER_AND_CLIENT" };
        foreach (var side in (string[])["server", "client"])
        {
            ssl[side + "TrustMode"] = "CA";
            ssl[side + "TlsCertificatePath"] = Path.Combine(member.CertificateDirectory, Manager + ".crt");
            ssl[side + "TlsKeyPath"] = Path.Combine(member.CertificateDirectory, Manager + ".key");
            ssl[side + "TrustCertificates"] = new JsonArray(Path.Combine(AuthorityDirectory(member.NetworkDirectory), "ca.crt"));
        }
        return ssl;
    }

    /// <summary>Issues those anew that end soon; running services take them up by themselves.</summary>
    /// <returns>How many; none where the authority's key was taken away and all are still good: the services warn of their end.</returns>
    /// <exception cref="CommandException">One has ended, and the authority's key is not there.</exception>
    public static int Renew(string directory, NetworkDefinition network, DateTimeOffset now)
    {
        var ending = network.Participants.Select(p => Path.Combine(p.Directory, "tls"))
            .SelectMany(_ => Services, (folder, service) => (Folder: folder, Service: service))
            .Where(c => Ends(Path.Combine(c.Folder, c.Service + ".crt")) - now < RenewAhead).ToList();
        if (ending.Count == 0) return 0;
        if (ending.All(c => Ends(Path.Combine(c.Folder, c.Service + ".crt")) > now)
            && !CertificateAuthority.HasKey(AuthorityDirectory(directory))) return 0;
        using var authority = CertificateAuthority.Open(AuthorityDirectory(directory));
        foreach (var (folder, service) in ending) authority.Issue(folder, service, now);
        return ending.Count;
    }

    private static DateTimeOffset Ends(string certificate)
    {
        if (!File.Exists(certificate)) return DateTimeOffset.MinValue;
        using var read = X509CertificateLoader.LoadCertificateFromFile(certificate);
        return read.NotAfter.ToUniversalTime();
    }

    private static string AuthorityDirectory(string network) => Path.Combine(network, "ca");
}
