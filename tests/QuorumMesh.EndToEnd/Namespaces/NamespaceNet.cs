using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using QuorumMesh.Cli.Network;

namespace QuorumMesh.EndToEnd.Namespaces;

/// <summary>
/// Participants in network namespaces, each with one interface, and a <see cref="PacketSwitch"/> between them. What a participant has
/// on loopback is its own alone.
/// </summary>
public sealed class NamespaceNet : IDisposable
{
    private readonly List<NetNamespace> _namespaces = [];
    private readonly List<int> _firstPorts = [];

    /// <param name="participants">At most 254.</param>
    public NamespaceNet(int participants)
    {
        for (var i = 0; i < participants; i++) Add(i);
        Switch = new PacketSwitch([.. Enumerable.Range(0, participants).Select(PortName)]);
    }

    internal PacketSwitch Switch { get; }

    /// <summary>
    /// Gives each participant's node and manager the address of its namespace, where those of the others are to reach them.
    /// </summary>
    public NetworkDefinition Settle(string directory, NetworkDefinition definition)
    {
        foreach (var file in Directory.EnumerateFiles(directory, "*.json", SearchOption.AllDirectories)
            .Where(f => Path.GetFileName(f) is "static-nodes.json" or "tm.json").ToList())
        {
            var text = File.ReadAllText(file);
            for (var i = 0; i < definition.Participants.Count; i++) text = Settle(text, i, definition.Participants[i]);
            File.WriteAllText(file, text);
        }
        _firstPorts.AddRange(definition.Participants.Select(p => new Uri(p.Enode).Port));
        return definition with
        {
            Participants = [.. definition.Participants.Select((p, i) =>
                p with { Enode = Settle(p.Enode, i, p), P2p = Settle(p.P2p, i, p) })]
        };
    }

    /// <summary>A client for what the participants have on their loopbacks; their port numbers tell them apart.</summary>
    /// <param name="portsEach">Of a participant, in a row from that of its node's peers.</param>
    public HttpClient CreateClient(TimeSpan timeout, int portsEach) => new(new SocketsHttpHandler
    {
        ConnectCallback = async (context, cancel) =>
        {
            var port = context.DnsEndPoint.Port;
            var participant = _firstPorts.FindIndex(first => port >= first && port < first + portsEach);
            var socket = Run(participant, static () => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
            try
            {
                await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port), cancel);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        }
    })
    { Timeout = timeout };

    /// <summary>Does something in the namespace of a participant.</summary>
    public T Run<T>(int participant, Func<T> work) => _namespaces[participant].Run(work);

    /// <summary>What the participant sends goes at this rate.</summary>
    /// <param name="kilobits">A second; null for no limit.</param>
    public void Limit(int participant, int? kilobits)
    {
        if (kilobits is { } rate)
            Configure(participant, "tc", $"qdisc replace dev eth0 root tbf rate {rate}kbit burst 16kb latency 500ms");
        else
            Configure(participant, "tc", "qdisc replace dev eth0 root pfifo limit 1000");
    }

    /// <summary>The participant's kernel has no way to another, and says so to whoever sends.</summary>
    public void Refuse(int participant, int other) => Configure(participant, "ip", $"route replace blackhole {AddressOf(other)}/32");

    /// <summary>Ends <see cref="Refuse"/>.</summary>
    public void Admit(int participant, int other) => Configure(participant, "ip", $"route del blackhole {AddressOf(other)}/32");

    public void Dispose()
    {
        Switch.Dispose();
        foreach (var one in _namespaces) one.Dispose();
    }

    private static string AddressOf(int participant) => $"10.77.0.{participant + 1}";

    private static string PortName(int participant) => $"qm{participant + 1}";

    private static string Settle(string text, int index, Participant participant)
    {
        foreach (var port in new[] { new Uri(participant.Enode).Port, new Uri(participant.P2p).Port })
            text = text.Replace($"127.0.0.1:{port}", $"{AddressOf(index)}:{port}", StringComparison.Ordinal);
        return text;
    }

    /// <summary>Segments are cut by the sender's kernel: a lost frame is a lost packet.</summary>
    private void Add(int index)
    {
        var inside = new NetNamespace();
        _namespaces.Add(inside);
        Execute("ip", $"link add {PortName(index)} type veth peer name eth0 netns {inside.Path} "
            + $"address 02:00:00:00:00:{index + 1:x2}");
        Execute("ip", $"link set {PortName(index)} up");
        foreach (var command in new[] { "link set lo up", "link set eth0 gso_max_segs 1 gso_max_size 2000",
            $"addr add {AddressOf(index)}/24 dev eth0", "link set eth0 up" })
            Configure(index, "ip", command);
    }

    private void Configure(int participant, string program, string arguments) => Run(participant, () => Execute(program, arguments));

    private static bool Execute(string program, string arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? true : throw new InvalidOperationException($"{program} {arguments}: {errors}");
    }
}
