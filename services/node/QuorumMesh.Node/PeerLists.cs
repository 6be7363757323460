using System.Text.Json;
using Microsoft.Extensions.Logging;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Ports;

namespace QuorumMesh.Node;

/// <summary>
/// The lists of nodes in the data directory, or where <c>--peers.lists</c> says, as they are now: whom this node dials (static-nodes.json),
/// who gets in beyond the bound on peers (trusted-nodes.json), and with --permissioned who may connect at all (permissioned-nodes.json,
/// less disallowed-nodes.json). A changed file counts within seconds; one that cannot be read, half written or gone, changes nothing and is
/// told of. Nodes are known by their keys, never by their addresses.
/// </summary>
internal sealed class PeerLists : IAsyncDisposable
{
    private const string TrustedFileName = "trusted-nodes.json";
    private const string DisallowedFileName = "disallowed-nodes.json";
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    private readonly IPeerNetwork _peers;
    private readonly string _ownNodeId;
    private readonly ILogger _log;
    private readonly NodeListFile _static;
    private readonly NodeListFile _trusted;
    private readonly NodeListFile? _permissioned;
    private readonly NodeListFile? _disallowed;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _lock = new();
    private Func<string, bool>? _members;
    private Task _watching = Task.CompletedTask;

    /// <param name="permissioned">Without it the two lists of who may connect are not looked at, as with GoQuorum.</param>
    /// <exception cref="ServiceDefaults.StartupException">A file is there and cannot be read.</exception>
    public PeerLists(DataDirectory data, bool permissioned, IPeerNetwork peers, string ownNodeId, ILogger log)
    {
        (_peers, _ownNodeId, _log) = (peers, ownNodeId, log);
        _static = new NodeListFile(data, StaticNodes.FileName);
        _trusted = new NodeListFile(data, TrustedFileName);
        if (permissioned)
        {
            _permissioned = new NodeListFile(data, StaticNodes.PermissionedFileName);
            _disallowed = new NodeListFile(data, DisallowedFileName);
            if (_permissioned.Nodes.Count == 0)
                log.LogWarning("--permissioned is set and {File} is missing or empty: nobody may connect", _permissioned.Path);
        }
        else if (data.NodeList(DisallowedFileName) is var unused && File.Exists(unused))
        {
            log.LogWarning("{File} has no effect without --permissioned", unused);
        }
        foreach (var node in _trusted.Nodes) peers.AddTrustedPeer(node.NodeId);
        Apply();
    }

    /// <summary>Only these may connect, of those that the lists permit.</summary>
    public void Restrict(Func<string, bool> members)
    {
        lock (_lock) _members = members;
        Apply();
    }

    /// <summary>Begins to look at the files.</summary>
    /// <param name="dialsStatic">False where consensus says who is dialled, as Raft's membership does.</param>
    public void Watch(bool dialsStatic)
    {
        if (dialsStatic)
            foreach (var node in _static.Nodes) Dial(node);
        _watching = WatchAsync(dialsStatic);
    }

    /// <summary>Looks at the files once.</summary>
    /// <param name="dialsStatic">See <see cref="Watch"/>.</param>
    public void Refresh(bool dialsStatic)
    {
        if (dialsStatic) Follow(_static, Dial, node => _peers.RemovePeer(node.NodeId));
        Follow(_trusted, node => _peers.AddTrustedPeer(node.NodeId), node => _peers.RemoveTrustedPeer(node.NodeId));
        var changed = _permissioned is not null && Follow(_permissioned, null, null);
        if (_disallowed is not null && Follow(_disallowed, null, null)) changed = true;
        if (changed) Apply();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _watching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private async Task WatchAsync(bool dialsStatic)
    {
        using var timer = new PeriodicTimer(Interval);
        while (await timer.WaitForNextTickAsync(_stop.Token).ConfigureAwait(false)) Refresh(dialsStatic);
    }

    private void Apply()
    {
        lock (_lock)
        {
            var members = _members;
            if (_permissioned is null && members is null) return;
            var (permitted, disallowed) = (_permissioned?.Ids, _disallowed?.Ids);
            _peers.SetAllowed(id => members?.Invoke(id) != false && permitted?.Contains(id) != false && disallowed?.Contains(id) != true);
        }
    }

    private bool Follow(NodeListFile file, Action<Enode>? added, Action<Enode>? removed)
    {
        var before = file.Nodes;
        var change = file.Refresh();
        if (change.Fault is { } fault) _log.LogError("{Fault}; the list of before stays", fault);
        if (!change.HasChanged) return false;
        _log.LogInformation("{File} was read again: {Count} nodes", file.Path, file.Nodes.Count);
        foreach (var node in before.Where(old => file.Nodes.All(kept => kept.NodeId != old.NodeId))) removed?.Invoke(node);
        foreach (var node in file.Nodes.Except(before)) added?.Invoke(node);
        return true;
    }

    private void Dial(Enode node)
    {
        if (node.NodeId != _ownNodeId) _peers.AddStaticPeer(node);
    }

    /// <summary>One list, as it was last read whole.</summary>
    private sealed class NodeListFile
    {
        private readonly DataDirectory _data;
        private readonly string _name;
        private string? _text;

        public NodeListFile(DataDirectory data, string name)
        {
            (_data, _name) = (data, name);
            Nodes = StaticNodes.Read(data, name);
            _text = Text();
        }

        public string Path => _data.NodeList(_name);

        public IReadOnlyList<Enode> Nodes { get; private set; }

        public HashSet<string> Ids => [.. Nodes.Select(node => node.NodeId)];

        /// <summary>Reads it again if it is another one than the last that was looked at.</summary>
        public (bool HasChanged, string? Fault) Refresh()
        {
            try
            {
                var text = Text();
                if (text == _text) return (false, null);
                _text = text;
                // An editor may be at it: nobody is cut off for that.
                if (text is null) return (false, $"{Path} is gone");
                Nodes = StaticNodes.Parse(text);
                return (true, null);
            }
            catch (Exception e) when (e is JsonException or FormatException or IOException or UnauthorizedAccessException)
            {
                return (false, $"{Path} cannot be read: {e.Message}");
            }
        }

        private string? Text() => File.Exists(Path) ? File.ReadAllText(Path) : null;
    }
}
