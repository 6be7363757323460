using Microsoft.Extensions.Logging;
using QuorumMesh.Chain.Extension;
using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Calls;

/// <summary>
/// Does the initiator's part of contract extensions that are active: its yes when the management contract is mined, the share of the state
/// after the last yes. GoQuorum does either when it hears the event, and never again; here what is due follows from the state, so that it
/// is done after a failure or a restart as well. Parties that have the contract compare what was shared with what they have.
/// </summary>
internal sealed class ExtensionKeeper(INode node, ManagementReader reader, ExtensionDesk desk, ILogger logger) : IAsyncDisposable
{
    private static readonly TimeSpan Again = TimeSpan.FromSeconds(10);

    /// <summary>Shares this many blocks back are compared; older ones were, or their states are no longer kept.</summary>
    private const ulong ComparedBlocks = 128;

    private const int MostRemembered = 4_096;

    /// <summary>How long transactions to the contract that wait for their block are waited for, after the last yes.</summary>
    private const ulong MostWaitedBlocks = 10;

    private readonly SemaphoreSlim _signal = new(0, 1);
    private readonly CancellationTokenSource _stopping = new();
    private readonly Dictionary<Address, string> _told = [];
    private readonly HashSet<Address> _compared = [];
    private readonly RetryPace _pace = new();
    private Task _running = Task.CompletedTask;

    /// <summary>For the time between tries.</summary>
    internal TimeProvider Clock { set => _pace.Clock = value; }

    public void Start()
    {
        node.Events.NewLogs += Wake;
        _running = Task.Run(RunAsync);
    }

    public async ValueTask DisposeAsync()
    {
        node.Events.NewLogs -= Wake;
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        _stopping.Dispose();
        _signal.Dispose();
    }

    /// <summary>Looks once at all extensions, and does what is due.</summary>
    internal async Task LookAsync(CancellationToken cancellation)
    {
        IReadOnlyList<ContractExtension> known;
        using (var view = node.OpenView())
        {
            // What is due is known at the head alone: on the way there it may have been done long ago.
            if (node.Sync is not null || view.PrivateHead < view.Head) return;
            known = [.. view.Extensions.Where(e => e.IsActive || (e.Identifier.Length > 0 && e.Finished + ComparedBlocks > view.Head))];
        }
        _pace.Keep(known.Where(e => e.IsActive).Select(e => e.Management).ToHashSet());
        foreach (var extension in known)
        {
            try
            {
                if (extension.IsActive) await GoOnAsync(extension, cancellation).ConfigureAwait(false);
                else await CompareAsync(extension, cancellation).ConfigureAwait(false);
            }
            catch (Exception e) when (e is RpcException or TransactionManagerException or TransactionRejectedException or AccountException
                or PrivateStateBehindException)
            {
                Tell(extension, e.Message);
            }
        }
    }

    private async Task RunAsync()
    {
        try
        {
            while (true)
            {
                await LookSafelyAsync().ConfigureAwait(false);
                await _signal.WaitAsync(Again, _stopping.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // The server stops.
        }
    }

    private async Task LookSafelyAsync()
    {
        try
        {
            await LookAsync(_stopping.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            logger.LogError(e, "Contract extensions could not be looked at; it is tried again");
        }
    }

    /// <summary>On the writer loop: must not wait.</summary>
    private void Wake(LogsEvent happened)
    {
        foreach (var (_, _, receipt) in happened.Transactions)
            foreach (var log in receipt.Logs)
                if (ExtensionEvent.Of(log) is not null && _signal.CurrentCount == 0)
                {
                    Release();
                    return;
                }
    }

    private void Release()
    {
        try
        {
            _signal.Release();
        }
        catch (Exception e) when (e is SemaphoreFullException or ObjectDisposedException)
        {
            // Awake already, or gone.
        }
    }

    private async Task GoOnAsync(ContractExtension extension, CancellationToken cancellation)
    {
        if (!node.Accounts.Accounts.Contains(extension.Initiator) || extension.CreationPayload is not { } creation) return;
        var manager = node.TransactionManager;
        if (!manager.Enabled || await IsUnderWayAsync(extension, cancellation).ConfigureAwait(false)) return;
        var facts = await reader.ReadAsync(extension.Management, extension.Initiator, cancellation).ConfigureAwait(false);
        if (facts.IsFinished || facts.Creator != extension.Initiator || facts.Contract != extension.Contract) return;
        if (facts.HasVoted && (!extension.IsMoving || await IsChangingAsync(extension, cancellation).ConfigureAwait(false))) return;
        if (!_pace.IsDue(extension.Management, facts.HasVoted)) return;
        if (!await manager.IsSenderAsync(creation, cancellation).ConfigureAwait(false)) return;
        var arguments = await ArgumentsAsync(extension, creation, cancellation).ConfigureAwait(false);
        // Before anything goes out: what is sent stays at the parties.
        if (!node.Accounts.IsUnlocked(extension.Initiator))
            throw new AccountException($"account {extension.Initiator} is locked: unlock it, or cancel the extension");
        _pace.Begin(extension.Management, facts.HasVoted);
        if (!facts.HasVoted) await desk.VoteAsync(extension.Management, isYes: true, arguments, cancellation).ConfigureAwait(false);
        else await desk.ShareAsync(extension, arguments, cancellation).ConfigureAwait(false);
        _told.Remove(extension.Management);
    }

    /// <summary>
    /// Whether a transaction to the contract waits for its block: it came before the last yes, or from one who knows of no extension, and
    /// would be missing in a state that is sent now.
    /// </summary>
    private async Task<bool> IsChangingAsync(ContractExtension extension, CancellationToken cancellation)
    {
        using (var view = node.OpenView())
            if (view.Head >= extension.Accepted + MostWaitedBlocks) return false;
        var pool = await node.PoolContentAsync(null, cancellation).ConfigureAwait(false);
        return pool.SelectMany(c => c.Pending).Any(t => t.Tx.IsPrivate && t.Tx.To == extension.Contract);
    }

    /// <summary>Whether a transaction of the initiator's to the management contract waits for its block.</summary>
    private async Task<bool> IsUnderWayAsync(ContractExtension extension, CancellationToken cancellation)
    {
        var pool = await node.PoolContentAsync(new HashSet<Address> { extension.Initiator }, cancellation).ConfigureAwait(false);
        return pool.SelectMany(c => c.Pending.Concat(c.Queued)).Any(t => t.Tx.To == extension.Management);
    }

    /// <exception cref="RpcException">
    /// The extension was not begun by extendContract: this node's user sent code of somebody's that says so, and the state of a contract
    /// is not given away on its word.
    /// </exception>
    private async Task<SendTransactionArguments> ArgumentsAsync(
        ContractExtension extension, PayloadHash creation, CancellationToken cancellation)
    {
        var parties = await node.TransactionManager.ParticipantsAsync(creation, cancellation).ConfigureAwait(false);
        var answers = await node.TransactionManager.ReceiveAsync([creation], cancellation).ConfigureAwait(false);
        if (answers is not [{ Payload: { } payload } begun])
            throw new RpcException($"the transaction manager does not give payload {creation}, which began the extension");
        if (!ManagementContract.IsCreation(payload, extension.Contract, extension.Recipient, extension.RecipientKey))
            throw new RpcException("its management contract is none that this node knows: nothing is voted or shared by itself");
        var sender = begun.SenderKey is { } key ? Convert.ToBase64String(key) : null;
        return new SendTransactionArguments { From = extension.Initiator, PrivateFor = parties, PrivateFrom = sender };
    }

    /// <summary>What the new party got must be what this one has: what came between the last vote and the share is lost there.</summary>
    private async Task CompareAsync(ContractExtension extension, CancellationToken cancellation)
    {
        if (_compared.Contains(extension.Management)) return;
        if (!PayloadHash.TryFromBase64(extension.Identifier, out var state)) return;
        var answers = await node.TransactionManager.ReceiveAsync([state], cancellation).ConfigureAwait(false);
        if (answers is not [{ Payload: { } payload }]) return;
        if (_compared.Count >= MostRemembered) _compared.Clear();
        _compared.Add(extension.Management);
        if (Difference(extension, payload) is not { } difference) return;
        logger.LogError("Extension {Management}: the state that the new party got of contract {Contract} is another here: {Difference}; "
            + "its transactions will come out otherwise there (docs/privacy.md)", extension.Management, extension.Contract, difference);
    }

    private string? Difference(ContractExtension extension, byte[] payload)
    {
        using var view = node.OpenView();
        if (view.PrivateState(extension.Finished).GetAccount(extension.Contract) is not { } own || own.CodeHash == Hash256.EmptyCode)
            return extension.Refusal.Length > 0 ? extension.Refusal : null;
        try
        {
            var shared = SharedState.Read(payload, extension.Contract);
            var root = State.StateRoot.OfStorage(shared.Storage);
            return root == own.StorageRoot ? null : $"storage root {root}, here {own.StorageRoot}";
        }
        catch (FormatException e)
        {
            return e.Message;
        }
    }

    /// <summary>Once for each cause.</summary>
    private void Tell(ContractExtension extension, string cause)
    {
        if (_told.GetValueOrDefault(extension.Management) == cause) return;
        if (_told.Count >= MostRemembered) _told.Clear();
        _told[extension.Management] = cause;
        logger.LogWarning("Extension {Management} of contract {Contract} waits: {Cause}", extension.Management, extension.Contract, cause);
    }
}
