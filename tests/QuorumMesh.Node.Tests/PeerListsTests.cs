using System.Net;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using QuorumMesh.Node.Network;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;
using QuorumMesh.ServiceDefaults;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Tests;

public sealed class PeerListsTests : IAsyncDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly NodeKey _key = NodeKey.Generate();
    private readonly PeerServer _peers;
    private readonly Enode _a = NewNode(1);
    private readonly Enode _b = NewNode(2);
    private readonly List<string> _errors = [];
    private PeerLists? _lists;

    public PeerListsTests() => _peers = new PeerServer(
        new PeerServerOptions { Key = _key, Listen = new IPEndPoint(IPAddress.Loopback, 0) }, NullLogger<PeerServer>.Instance);

    public async ValueTask DisposeAsync()
    {
        if (_lists is not null) await _lists.DisposeAsync();
        await _peers.DisposeAsync();
        _key.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public void Static_nodes_come_and_go_with_their_file_and_the_own_one_is_passed_over()
    {
        Write("static-nodes.json", _a, new Enode(_key.NodeId, "127.0.0.1", 3));
        var lists = Open();
        lists.Watch(dialsStatic: true);
        Assert.Equal([_a], Dialled());
        Write("static-nodes.json", _b);
        lists.Refresh(dialsStatic: true);
        Assert.Equal([_b], Dialled());
        Assert.Empty(_errors);
    }

    [Fact]
    public void A_node_whose_address_changes_stays_the_same_node()
    {
        Write("static-nodes.json", _a);
        var lists = Open();
        lists.Watch(dialsStatic: true);
        var moved = new Enode(_a.NodeId, "127.0.0.1", 4_000);
        Write("static-nodes.json", moved);
        lists.Refresh(dialsStatic: true);
        Assert.Equal([moved], Dialled());
    }

    [Fact]
    public void Lists_in_a_directory_of_their_own_are_taken_from_there_alone_and_read_again()
    {
        Write("static-nodes.json", _b);
        var lists = Directory.CreateDirectory(_directory.File("lists")).FullName;
        File.WriteAllText(Path.Combine(lists, "static-nodes.json"), $"[\"{_a}\"]");
        _lists = new PeerLists(
            DataDirectory.Open(_directory.Path, lists: lists), permissioned: false, _peers, _key.NodeId, NullLogger.Instance);
        _lists.Watch(dialsStatic: true);
        Assert.Equal([_a], Dialled());
        File.WriteAllText(Path.Combine(lists, "static-nodes.json"), $"[\"{_b}\"]");
        _lists.Refresh(dialsStatic: true);
        Assert.Equal([_b], Dialled());
        File.Delete(Path.Combine(lists, "static-nodes.json"));
        Assert.Empty(StaticNodes.Read(DataDirectory.Open(_directory.Path, lists: lists), StaticNodes.FileName));
    }

    [Theory]
    [InlineData("[\"enode://abc")]
    [InlineData("")]
    [InlineData("[\"http://example\"]")]
    [InlineData(null)]
    public void A_file_that_is_half_written_or_gone_changes_nothing_and_is_told_of_once(string? text)
    {
        Write("static-nodes.json", _a);
        Write("permissioned-nodes.json", _a);
        var lists = Open(permissioned: true);
        lists.Watch(dialsStatic: true);
        foreach (var file in new[] { "static-nodes.json", "permissioned-nodes.json" })
        {
            if (text is null) File.Delete(PathOf(file));
            else File.WriteAllText(PathOf(file), text);
        }
        lists.Refresh(dialsStatic: true);
        lists.Refresh(dialsStatic: true);
        Assert.Equal([_a], Dialled());
        Assert.Equal(2, _errors.Count);
        Assert.All(_errors, error => Assert.Contains("the list of before stays", error, StringComparison.Ordinal));
        Write("static-nodes.json", _b);
        lists.Refresh(dialsStatic: true);
        Assert.Equal([_b], Dialled());
    }

    [Fact]
    public void A_broken_file_at_the_start_is_refused()
    {
        File.WriteAllText(PathOf("trusted-nodes.json"), "[");
        Assert.Contains("trusted-nodes.json", Assert.Throws<StartupException>(() => Open()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void With_permissioned_only_the_listed_and_not_the_disallowed_may_connect()
    {
        Write("static-nodes.json", _a, _b);
        Write("permissioned-nodes.json", _a);
        var lists = Open(permissioned: true);
        _peers.SetStatus(PeerStatus.Create(10, UInt256.One, default, 0, default, []));
        _peers.Start(new Nobody());
        lists.Watch(dialsStatic: true);
        Assert.Equal([_b], KeptOut());
        Write("permissioned-nodes.json", _a, _b);
        Write("disallowed-nodes.json", _a);
        lists.Refresh(dialsStatic: true);
        Assert.Equal([_a], KeptOut());
        lists.Restrict(id => id == _a.NodeId);
        Assert.Equal([_a, _b], KeptOut().OrderBy(node => node.Port));
    }

    [Fact]
    public void Without_permissioned_everybody_may_connect_whatever_the_lists_say()
    {
        Write("static-nodes.json", _a, _b);
        Write("permissioned-nodes.json", _a);
        Write("disallowed-nodes.json", _a);
        _peers.SetStatus(PeerStatus.Create(10, UInt256.One, default, 0, default, []));
        _peers.Start(new Nobody());
        Open().Watch(dialsStatic: true);
        Assert.Empty(KeptOut());
    }

    private static Enode NewNode(int port)
    {
        using var key = NodeKey.Generate();
        return new Enode(key.NodeId, "127.0.0.1", port);
    }

    private List<Enode> KeptOut() =>
        [.. _peers.ConfiguredPeers.Where(peer => peer.Obstacle?.Contains("lists", StringComparison.Ordinal) == true).Select(p => p.Enode)];

    private List<Enode> Dialled() => [.. _peers.ConfiguredPeers.Select(peer => peer.Enode)];

    private PeerLists Open(bool permissioned = false) =>
        _lists = new PeerLists(DataDirectory.Open(_directory.Path), permissioned, _peers, _key.NodeId, new Errors(_errors));

    private string PathOf(string file) => Path.Combine(_directory.Path, file);

    private void Write(string file, params Enode[] nodes) =>
        File.WriteAllText(PathOf(file), "[" + string.Join(",", nodes.Select(node => $"\"{node}\"")) + "]");

    private sealed class Nobody : IPeerRequestHandler
    {
        public void OnTransactions(string nodeId, IReadOnlyList<ReadOnlyMemory<byte>> raw)
        {
        }

        public IReadOnlyList<byte[]> GetHeaders(HeaderQuery query) => [];

        public IReadOnlyList<byte[]> GetBodies(IReadOnlyList<Hash256> hashes) => [];

        public void OnPeerConnected(PeerInfo peer)
        {
        }

        public void OnPeerDisconnected(string nodeId)
        {
        }
    }

    private sealed class Errors(List<string> errors) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (logLevel >= LogLevel.Error) errors.Add(formatter(state, exception));
        }
    }
}
