using System.Collections.Concurrent;
using QuorumMesh.Cli;
using QuorumMesh.Cli.Demo;

namespace QuorumMesh.EndToEnd;

/// <summary>
/// Public transactions at each of three nodes and private ones in all directions, each by several senders at once. Half of them
/// leave the nonce to the node, half sign with accounts of their own. A refusal is counted, an acknowledgement is kept.
/// </summary>
internal sealed class TransactionLoad
{
    private const int Senders = 4;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(600);
    private static readonly (int From, int[] PrivateFor)[] Ways =
        [(0, []), (1, []), (2, []), (0, [1]), (1, [0]), (0, [2]), (2, [0]), (1, [2]), (2, [1]), (0, [1, 2])];

    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentQueue<Acknowledged> _acknowledged = new();
    private readonly List<Task> _senders = [];
    private volatile bool _isPaused;
    private long _argument;
    private Stretch _stretch = new(Ways.Length * Senders);

    private TransactionLoad(IReadOnlyList<LoadDirection> directions) => Directions = directions;

    public IReadOnlyList<LoadDirection> Directions { get; }
    public int SendersInAll => _senders.Count;

    public static async Task<TransactionLoad> StartAsync(LocalNetwork network)
    {
        var contracts = new Dictionary<string, string>();
        var directions = new List<LoadDirection>();
        foreach (var (from, privateFor) in Ways)
        {
            var parties = privateFor.Length == 0 ? "all" : string.Join(' ', privateFor.Append(from).Order());
            if (!contracts.TryGetValue(parties, out var contract))
                contracts[parties] = contract = await DeployAsync(network, from, privateFor);
            directions.Add(new LoadDirection(network, from, privateFor, contract));
        }
        var load = new TransactionLoad(directions);
        for (var i = 0; i < Ways.Length * Senders; i++)
            load._senders.Add(load.SendAsync(i));
        return load;
    }

    /// <summary>What was acknowledged since the last call, or since the start.</summary>
    public IReadOnlyList<Acknowledged> TakeAcknowledged()
    {
        var taken = new List<Acknowledged>();
        while (_acknowledged.TryDequeue(out var acknowledged)) taken.Add(acknowledged);
        return taken;
    }

    /// <summary>Waits until each sender has begun transactions and had so many of them acknowledged.</summary>
    /// <returns>How many were acknowledged and refused of those that began and ended meanwhile.</returns>
    public async Task<(int Acknowledged, int Refused)> EachSendsAsync(int count)
    {
        var stretch = BeginStretch();
        await LocalNetwork.UntilAsync(() => Task.FromResult(stretch.Least >= count),
            () => $"each sender has {count} transactions acknowledged:\n{this}");
        BeginStretch();
        return (stretch.Acknowledged, stretch.Refused);
    }

    /// <summary>No sender begins a transaction until this is over; those under way come to their end.</summary>
    public async Task<T> WithoutAsync<T>(Func<Task<T>> work)
    {
        _isPaused = true;
        try
        {
            return await work();
        }
        finally
        {
            _isPaused = false;
        }
    }

    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_senders);
    }

    public override string ToString() => string.Join('\n', Directions);

    private static async Task<string> DeployAsync(LocalNetwork network, int from, int[] privateFor)
    {
        var hash = privateFor.Length == 0
            ? await network.SendPublicAsync(from, null, HistoryContract.Create)
            : await network.Parties[from].SendPrivateAsync(null, HistoryContract.Create, privateFor.Select(i => network.Parties[i]),
                CancellationToken.None);
        foreach (var party in network.Parties) await party.ReceiptAsync(hash, CancellationToken.None);
        return (string)(await network.Parties[from].ReceiptAsync(hash, CancellationToken.None))["contractAddress"]!;
    }

    private Stretch BeginStretch()
    {
        var stretch = new Stretch(_senders.Count);
        Volatile.Write(ref _stretch, stretch);
        return stretch;
    }

    private async Task SendAsync(int sender)
    {
        var direction = Directions[sender / Senders];
        var wallet = sender % 2 == 0 ? null : new OfflineWallet();
        for (; !_stop.IsCancellationRequested; await Task.Delay(Pause))
        {
            if (_isPaused) continue;
            var stretch = Volatile.Read(ref _stretch);
            var accepted = false;
            try
            {
                var data = SimpleStorage.Set((ulong)Interlocked.Increment(ref _argument));
                var hash = await (wallet is null ? direction.SendByNodeAsync(data) : direction.SendByWalletAsync(wallet, data));
                _acknowledged.Enqueue(new Acknowledged(direction, hash, data));
                direction.CountAcknowledged();
                accepted = true;
            }
            catch (Exception e) when (e is CommandException or HttpRequestException or TaskCanceledException)
            {
                direction.CountRefused(e.Message);
                // Whether its nonce is used is not known: a new account waits for nothing.
                if (wallet is not null) wallet = new OfflineWallet();
            }
            if (stretch == Volatile.Read(ref _stretch)) stretch.Count(sender, accepted);
        }
    }

    /// <summary>Part of the load: the transactions that began and ended in it.</summary>
    private sealed class Stretch(int senders)
    {
        private readonly int[] _acknowledged = new int[senders];
        private int _refused;

        public int Least => _acknowledged.Min();
        public int Acknowledged => _acknowledged.Sum();
        public int Refused => _refused;

        public void Count(int sender, bool accepted) => Interlocked.Increment(ref accepted ? ref _acknowledged[sender] : ref _refused);
    }
}
