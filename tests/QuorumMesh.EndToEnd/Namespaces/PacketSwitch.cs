using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace QuorumMesh.EndToEnd.Namespaces;

/// <summary>
/// An Ethernet switch between interfaces of this process's network namespace, with a quality for each pair of ports and direction.
/// It does what netem does, on kernels that have none: what TCP sees is lost, late and overtaken packets. The last byte of a
/// hardware address is the number of its port, counted from 1.
/// </summary>
internal sealed partial class PacketSwitch : IDisposable
{
    private const int AddressSize = 6;

    /// <summary>struct virtio_net_hdr: what the sender has left to the card (checksum, segments) goes on as it came.</summary>
    private const int OffloadHeader = 10;
    private const int LongestFrame = OffloadHeader + 65_550;
    private const int MostLate = 20_000;
    private static readonly TimeSpan Nap = TimeSpan.FromMilliseconds(100);

    private readonly Socket[] _ports;
    private readonly LinkQuality[,] _links;
    private readonly List<Thread> _threads = [];
    private readonly PriorityQueue<(int Port, byte[] Frame), long> _late = new();
    private volatile bool _isOver;

    /// <param name="interfaces">Names; their order is that of the ports.</param>
    public PacketSwitch(IReadOnlyList<string> interfaces)
    {
        _ports = [.. interfaces.Select(Open)];
        _links = new LinkQuality[_ports.Length, _ports.Length];
        SetAll(LinkQuality.Good);
        for (var i = 0; i < _ports.Length; i++)
        {
            var port = i;
            Start(() => Receive(port));
        }
        Start(SendLate);
    }

    /// <summary>From now on, for frames in this direction.</summary>
    public void Set(int from, int to, LinkQuality quality) => Volatile.Write(ref _links[from, to], quality);

    public void SetAll(LinkQuality quality)
    {
        for (var from = 0; from < _ports.Length; from++)
            for (var to = 0; to < _ports.Length; to++)
                Set(from, to, quality);
    }

    public void Dispose()
    {
        _isOver = true;
        lock (_late) Monitor.Pulse(_late);
        foreach (var thread in _threads) thread.Join();
        foreach (var port in _ports) port.Dispose();
    }

    private static Socket Open(string name)
    {
        const int packetLevel = 263, offloadHeader = 15; // SOL_PACKET, PACKET_VNET_HDR
        var index = IndexOf(name);
        if (index == 0) throw new InvalidOperationException($"there is no interface {name}");
        var socket = new Socket(AddressFamily.Packet, SocketType.Raw, ProtocolType.Unspecified);
        socket.SetRawSocketOption(packetLevel, offloadHeader, BitConverter.GetBytes(1));
        socket.Bind(new InterfaceEndPoint(index));
        return socket;
    }

    private void Start(Action work)
    {
        var thread = new Thread(() => work()) { IsBackground = true };
        _threads.Add(thread);
        thread.Start();
    }

    private void Receive(int from)
    {
        var buffer = new byte[LongestFrame];
        var random = new Random(from);
        while (!_isOver)
        {
            if (!_ports[from].Poll(Nap, SelectMode.SelectRead)) continue;
            var frame = buffer.AsSpan(0, _ports[from].Receive(buffer));
            if (frame.Length < OffloadHeader + AddressSize) continue;
            var target = frame.Slice(OffloadHeader, AddressSize);
            if (target[0] == 0xff)
                for (var to = 0; to < _ports.Length; to++) Forward(from, to, frame, random);
            else if ((target[0] & 1) == 0 && target[^1] > 0 && target[^1] <= _ports.Length)
                Forward(from, target[^1] - 1, frame, random);
        }
    }

    private void Forward(int from, int to, ReadOnlySpan<byte> frame, Random random)
    {
        if (from == to) return;
        var link = Volatile.Read(ref _links[from, to]);
        if (link.Loss > 0 && random.NextDouble() < link.Loss) return;
        var late = link.Delay + (random.NextDouble() * link.Jitter);
        if (late <= TimeSpan.Zero)
        {
            Send(to, frame);
            return;
        }
        lock (_late)
        {
            if (_late.Count >= MostLate) return; // as a switch whose memory is full
            _late.Enqueue((to, frame.ToArray()), Stopwatch.GetTimestamp() + (long)(late.TotalSeconds * Stopwatch.Frequency));
            Monitor.Pulse(_late);
        }
    }

    private void SendLate()
    {
        while (!_isOver)
        {
            (int Port, byte[] Frame) due;
            lock (_late)
            {
                var wait = _late.TryPeek(out _, out var time) ? Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), time) : Nap;
                if (wait > TimeSpan.Zero)
                {
                    Monitor.Wait(_late, wait < Nap ? wait : Nap);
                    continue;
                }
                due = _late.Dequeue();
            }
            Send(due.Port, due.Frame);
        }
    }

    private void Send(int to, ReadOnlySpan<byte> frame)
    {
        try
        {
            _ports[to].Send(frame);
        }
        catch (SocketException)
        {
            // The other end takes no more: a lost frame.
        }
    }

    [LibraryImport("libc", EntryPoint = "if_nametoindex", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int IndexOf(string name);

    /// <summary>struct sockaddr_ll: every frame of one interface.</summary>
    private sealed class InterfaceEndPoint(int index) : EndPoint
    {
        private const int Size = 20, Protocol = 2, Interface = 4;
        private const short All = 3; // ETH_P_ALL

        public override AddressFamily AddressFamily => AddressFamily.Packet;

        public override SocketAddress Serialize()
        {
            var address = new SocketAddress(AddressFamily.Packet, Size);
            BinaryPrimitives.WriteInt16BigEndian(address.Buffer.Span[Protocol..], All);
            MemoryMarshal.Write(address.Buffer.Span[Interface..], index);
            return address;
        }

        public override EndPoint Create(SocketAddress socketAddress) => this;
    }
}
