using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace QuorumMesh.Cli.Network;

/// <summary>What <c>network.json</c> says: everything that a client or an operator needs to reach a local network.</summary>
/// <param name="Profile">Compatibility profile of the nodes; null leaves it to the genesis.</param>
/// <param name="PrivateGuard">The nodes' <c>--private-guard</c>; null leaves it to them.</param>
/// <param name="Tls">
/// How the members talk: <c>require</c> is TLS alone, <c>prefer</c> takes plain text on the Raft port too, for GoQuorums that may join;
/// null is plain text, as in networks of earlier versions.
/// </param>
public sealed record NetworkDefinition(
    [property: JsonPropertyName("chainId")] ulong ChainId,
    [property: JsonPropertyName("consensus")] string Consensus,
    [property: JsonPropertyName("participants")] IReadOnlyList<Participant> Participants,
    [property: JsonPropertyName("profile"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Profile = null,
    [property: JsonPropertyName("privateGuard"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? PrivateGuard = null,
    [property: JsonPropertyName("tls"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Tls = null)
{
    public const string FileName = "network.json";

    /// <summary>Keys and enode URLs are written as they are to be used: base64's plus and the URL's ampersand are not escaped.</summary>
    internal static readonly JsonSerializerOptions JsonOptions = new()
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    /// <summary>Reads the network as it lies in the directory, wherever it was made.</summary>
    /// <exception cref="CommandException">There is none, or its file is damaged.</exception>
    public static NetworkDefinition Load(string directory)
    {
        var path = Path.Combine(directory, FileName);
        if (!File.Exists(path))
            throw new CommandException($"there is no network in {directory}: create one with 'qmesh network create --dir {directory} "
                + "--participants 3 --consensus raft'");
        try
        {
            var read = JsonSerializer.Deserialize<NetworkDefinition>(File.ReadAllText(path), JsonOptions)
                ?? throw new JsonException("the file is empty");
            foreach (var participant in read.Participants) participant.Check();
            CheckGuard(read.PrivateGuard, $"{path}: privateGuard");
            if (read.Tls is not (null or "require" or "prefer")) throw new JsonException($"tls {read.Tls} is neither require nor prefer");
            return read.At(Path.GetFullPath(directory));
        }
        catch (Exception e) when (e is JsonException or UriFormatException)
        {
            throw new CommandException($"{path} cannot be read ({e.Message}): mend it, or create the network again in a new directory");
        }
    }

    /// <exception cref="CommandException">It is none of warn, refuse and off.</exception>
    internal static void CheckGuard(string? guard, string where)
    {
        if (guard is not (null or "warn" or "refuse" or "off"))
            throw new CommandException($"{where} {guard} is not known: use warn, refuse or off");
    }

    public void Save(string directory) =>
        PrivateFiles.Replace(Path.Combine(directory, FileName), JsonSerializer.Serialize(this, JsonOptions) + "\n");

    /// <exception cref="CommandException">It has no such participant.</exception>
    internal Participant Named(string name) => Participants.FirstOrDefault(p => p.Name == name)
        ?? throw new CommandException(
            $"the network has no participant {name}: it has {string.Join(", ", Participants.Select(p => p.Name))}");

    /// <summary>The same network with its paths in this directory.</summary>
    private NetworkDefinition At(string directory) =>
        this with
        {
            Participants = [
            .. Participants.Select(p => p.At(Path.Combine(directory, Path.GetFileName(Path.TrimEndingDirectorySeparator(p.Directory)))))]
        };
}

/// <summary>One participant: its node, transaction manager and enclave.</summary>
/// <param name="Q2t">Null where Q2T is offered on the Unix socket alone.</param>
public sealed record Participant(
    [property: JsonPropertyName("name")] string Name,
    [property: JsonPropertyName("rpc")] string Rpc,
    [property: JsonPropertyName("ws")] string Ws,
    [property: JsonPropertyName("ipc")] string Ipc,
    [property: JsonPropertyName("enode")] string Enode,
    [property: JsonPropertyName("raftId")] int RaftId,
    [property: JsonPropertyName("account")] string Account,
    [property: JsonPropertyName("txManagerKey")] string TxManagerKey,
    [property: JsonPropertyName("q2tSocket")] string Q2tSocket,
    [property: JsonPropertyName("thirdParty")] string ThirdParty,
    [property: JsonPropertyName("p2p")] string P2p,
    [property: JsonPropertyName("health")] HealthUrls Health,
    [property: JsonPropertyName("dir")] string Directory,
    [property: JsonPropertyName("q2t"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Q2t = null)
{
    /// <summary>The port of its Raft transport, which its enode URL names.</summary>
    internal int RaftPort =>
        int.Parse(System.Web.HttpUtility.ParseQueryString(new Uri(Enode).Query)["raftport"] ?? "",
        System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>The loopback ports of one of its services.</summary>
    internal IEnumerable<int> Ports(ServiceKind kind) => kind switch
    {
        ServiceKind.Enclave => [PortOf(Health.Enclave)],
        ServiceKind.TxManager =>
        [PortOf(P2p), PortOf(ThirdParty), .. Q2t is null ? Array.Empty<int>() : [PortOf(Q2t)], PortOf(Health.TxManager)],
        _ => [PortOf(Rpc), PortOf(Ws), PortOf(Health.Node), PortOf(Enode), RaftPort],
    };

    /// <summary>The same participant in another directory.</summary>
    internal Participant At(string directory) => directory == Directory ? this
        : this with { Directory = directory, Ipc = Moved(Ipc, directory), Q2tSocket = Moved(Q2tSocket, directory) };

    /// <exception cref="UriFormatException">An address is none.</exception>
    /// <exception cref="JsonException">The enode URL has no Raft port, or the directory no name.</exception>
    internal void Check()
    {
        if (!int.TryParse(System.Web.HttpUtility.ParseQueryString(new Uri(Enode).Query)["raftport"], out _))
            throw new JsonException($"the enode URL of {Name} has no raftport");
        _ = Enum.GetValues<ServiceKind>().SelectMany(Ports).Count();
        if (Path.GetFileName(Path.TrimEndingDirectorySeparator(Directory)).Length == 0)
            throw new JsonException($"'{Directory}' is no directory of {Name}");
    }

    private string Moved(string path, string directory) =>
        path.StartsWith(Directory + "/", StringComparison.Ordinal) ? directory + path[Directory.Length..] : path;

    private static int PortOf(string url) => new Uri(url).Port;
}

/// <summary>Base URLs of the health and metrics listeners.</summary>
public sealed record HealthUrls(
    [property: JsonPropertyName("node")] string Node,
    [property: JsonPropertyName("txManager")] string TxManager,
    [property: JsonPropertyName("enclave")] string Enclave);
