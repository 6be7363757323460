using System.Security.Cryptography;
using QuorumMesh.Enclave.Keys;
using QuorumMesh.Node.Accounts;
using QuorumMesh.Primitives;

namespace QuorumMesh.Cli.Network;

/// <summary>The files, keys and addresses of one participant of a local network.</summary>
internal sealed class Member
{
    private readonly int _index;
    private readonly ParticipantPorts _ports;
    private readonly string _directory;
    private string _nodeId = "";

    private readonly string _p2pScheme;

    private Member(string networkDirectory, int index, ParticipantPorts ports, bool insecure)
    {
        (NetworkDirectory, _index, _ports) = (networkDirectory, index, ports);
        _p2pScheme = insecure ? "http" : "https";
        _directory = Path.Combine(networkDirectory, Name);
    }

    public string Name => ((char)('A' + _index)).ToString();
    public string NetworkDirectory { get; }
    public string NodeDirectory => Path.Combine(_directory, "node");
    public string ManagerDirectory => Path.Combine(_directory, "tm");
    public string EnclaveDirectory => Path.Combine(_directory, "enclave");
    public string CertificateDirectory => Path.Combine(_directory, "tls");
    public string ManagerConfig => Path.Combine(ManagerDirectory, "tm.json");
    public string EnclaveConfig => Path.Combine(EnclaveDirectory, "enclave.json");
    public string EnclaveKeyPath => Path.Combine(EnclaveDirectory, "tm");
    public string IdentityPath => Path.Combine(EnclaveDirectory, "identity");
    public string Q2tSocket => Path.Combine(ManagerDirectory, "tm.ipc");
    public string GrpcSocket => Path.Combine(ManagerDirectory, "tm-grpc.ipc");
    public string EnclaveSocket => Path.Combine(EnclaveDirectory, "enclave.ipc");
    public string P2pUrl => $"{_p2pScheme}://127.0.0.1:{_ports.ManagerP2p}/";
    public string Q2tUrl => Loopback(_ports.Q2t);
    public string ThirdPartyUrl => Loopback(_ports.ThirdParty);
    public string ManagerHealthUrl => Loopback(_ports.ManagerHealth);
    public string Enode => $"enode://{_nodeId}@127.0.0.1:{_ports.Devp2p}?discport=0&raftport={_ports.Raft}";
    public Address Account { get; private set; }

    /// <summary>The account of the node key.</summary>
    public Address Validator { get; private set; }

    private string ManagerKey { get; set; } = "";

    /// <param name="insecure">See <see cref="NetworkRequest.Insecure"/>.</param>
    public static Member Create(string networkDirectory, int index, ParticipantPorts ports, bool insecure)
    {
        var member = new Member(networkDirectory, index, ports, insecure);
        foreach (var directory in new[] { member.NodeDirectory, member.ManagerDirectory, member.EnclaveDirectory,
            Path.Combine(member._directory, "logs") })
            PrivateFiles.MakeDirectory(directory);
        member.CreateNodeKey();
        member.CreateAccount();
        member.ManagerKey = TesseraKeyFile.Generate(member.EnclaveKeyPath).ToString();
        IdentityFile.Generate(member.IdentityPath, passwordFile: null);
        return member;
    }

    /// <param name="q2tHttp">Whether Q2T is offered over HTTP too.</param>
    public Participant ToParticipant(bool q2tHttp) => new(
        Name, Loopback(_ports.Rpc), $"ws://127.0.0.1:{_ports.Ws}", Path.Combine(NodeDirectory, "geth.ipc"), Enode, _index + 1,
        Account.ToString(), ManagerKey,
        Q2tSocket, ThirdPartyUrl, P2pUrl.TrimEnd('/'),
        new HealthUrls(Loopback(_ports.NodeHealth), ManagerHealthUrl, Loopback(_ports.EnclaveHealth)), _directory, q2tHttp ? Q2tUrl : null);

    private static string Loopback(int port) => $"http://127.0.0.1:{port}";

    private void CreateNodeKey()
    {
        var key = NewPrivateKey();
        Span<byte> digits = stackalloc byte[2 * key.Length];
        try
        {
            var publicKey = Secp256k1.PublicKey(key);
            (_nodeId, Validator) = (Hex.ToHex(publicKey, prefix: false), Secp256k1.AddressOf(publicKey));
            Convert.TryToHexStringLower(key, digits, out _);
            PrivateFiles.WriteNew(Path.Combine(NodeDirectory, "nodekey"), digits);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(digits);
            CryptographicOperations.ZeroMemory(key);
        }
    }

    /// <summary>A development account with an empty password: the node unlocks it at start, on loopback only.</summary>
    private void CreateAccount()
    {
        var key = NewPrivateKey();
        try
        {
            var keystore = new KeystoreManager(Path.Combine(NodeDirectory, "keystore"), ScryptParameters.Light);
            Account = keystore.Import(key, "");
            PrivateFiles.WriteNew(Path.Combine(NodeDirectory, "password"), "\n");
        }
        finally
        {
            CryptographicOperations.ZeroMemory(key);
        }
    }

    private static byte[] NewPrivateKey()
    {
        var key = new byte[32];
        do RandomNumberGenerator.Fill(key);
        while (!Secp256k1.IsValidPrivateKey(key));
        return key;
    }
}
