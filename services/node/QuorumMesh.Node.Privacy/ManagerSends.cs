using System.Diagnostics;
using Grpc.Core;
using QuorumMesh.Chain.Payloads;
using QuorumMesh.Contracts.Privacy;
using QuorumMesh.Outbound;

namespace QuorumMesh.Node.Privacy;

/// <summary>
/// Sends, of which those that are made at about the same time go to the manager as one message; each has its outcome as soon as it is
/// there. Long ones go alone, and all do to a manager that knows no other way.
/// </summary>
internal sealed class ManagerSends : IDisposable
{
    /// <summary>Bytes of a send that may go with others.</summary>
    private const int MostBytes = 64 * 1024;

    private static readonly CoalescerOptions Together = new();

    private readonly PrivacyManager.PrivacyManagerClient _client;
    private readonly DatabaseSightings _databases;
    private readonly Action<ManagerDatabase> _saw;
    private readonly Coalescer<SendRequest, (SendReply Reply, ManagerDatabase? Database)> _many;
    private readonly TimeSpan _timeout;
    private volatile int _atOnce;

    /// <param name="saw">Told what answers say of the manager's database, once for those that come together.</param>
    public ManagerSends(
        PrivacyManager.PrivacyManagerClient client, TimeSpan timeout, DatabaseSightings databases, Action<ManagerDatabase> saw)
    {
        (_client, _timeout, _databases, _saw) = (client, timeout, databases, saw);
        _many = new Coalescer<SendRequest, (SendReply, ManagerDatabase?)>(Together, SendAllAsync);
    }

    /// <summary>How many the manager takes in one message, as it said last; 0 for an older one.</summary>
    public int AtOnce
    {
        set => _atOnce = value;
    }

    /// <returns>With what the answer told of the manager's database.</returns>
    /// <exception cref="RpcException">As the call by itself.</exception>
    public Task<(SendReply Reply, ManagerDatabase? Database)> SendAsync(SendRequest request, CallOptions options)
    {
        var bytes = request.CalculateSize();
        // One that is traced too: the context of a trace goes with a message of its own alone.
        return _atOnce < Together.MaxCalls || bytes > MostBytes || Activity.Current is { Recorded: true }
            ? SendOneAsync(request, options)
            : _many.AskAsync(request, bytes, options.CancellationToken);
    }

    public void Dispose() => _many.Dispose();

    private async Task<(SendReply Reply, ManagerDatabase? Database)> SendOneAsync(SendRequest request, CallOptions options)
    {
        var asked = _databases.Ask();
        request.KnownSequence = asked.Row;
        var reply = await _client.SendAsync(request, options).ConfigureAwait(false);
        return (reply, Saw(asked, reply.Database));
    }

    private async Task SendAllAsync(IReadOnlyList<CoalescedCall<SendRequest, (SendReply Reply, ManagerDatabase? Database)>> calls)
    {
        if (calls.Count == 1)
        {
            calls[0].Answer(await SendOneAsync(calls[0].Ask, Options(calls[0].Cancel)).ConfigureAwait(false));
            return;
        }

        var asked = _databases.Ask();
        var request = new SendManyRequest { KnownSequence = asked.Row };
        request.Sends.AddRange(calls.Select(c => c.Ask));
        try
        {
            using var call = _client.SendMany(request, Options(CancellationToken.None));
            while (await call.ResponseStream.MoveNext(CancellationToken.None).ConfigureAwait(false))
                Settle(calls, call.ResponseStream.Current, Saw(asked, call.ResponseStream.Current.Database));
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.Unimplemented)
        {
            // An older manager has come back: it has taken none of them.
            _atOnce = 0;
            await Task.WhenAll(calls.Select(SettleAloneAsync)).ConfigureAwait(false);
        }
    }

    private static void Settle(IReadOnlyList<CoalescedCall<SendRequest, (SendReply Reply, ManagerDatabase? Database)>> calls,
        SendManyReply told, ManagerDatabase? database)
    {
        foreach (var outcome in told.Outcomes)
        {
            if (outcome.Index < 0 || outcome.Index >= calls.Count) continue;
            if (outcome.Reply is { } reply) calls[outcome.Index].Answer((reply, database));
            else calls[outcome.Index].Fail(new RpcException(new Status((StatusCode)outcome.Status, outcome.Detail)));
        }
    }

    private async Task SettleAloneAsync(CoalescedCall<SendRequest, (SendReply Reply, ManagerDatabase? Database)> call)
    {
        try
        {
            call.Answer(await SendOneAsync(call.Ask, Options(call.Cancel)).ConfigureAwait(false));
        }
        catch (Exception e)
        {
            call.Fail(e);
        }
    }

    private ManagerDatabase? Saw(DatabaseSightings.Question asked, Database? told)
    {
        var database = _databases.Answer(asked, told);
        if (database is not null) _saw(database);
        return database;
    }

    private CallOptions Options(CancellationToken cancel) => new(deadline: DateTime.UtcNow + _timeout, cancellationToken: cancel);
}
