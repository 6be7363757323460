using System.Diagnostics;
using Grpc.Core;
using QuorumMesh.Contracts.Enclave;
using QuorumMesh.Outbound;

namespace QuorumMesh.TxManager.Core.EnclaveClient;

/// <summary>
/// Seal and Open, of which those that are made at about the same time go to the enclave as one message: a call by itself costs several
/// times what the enclave has to do for it. Long ones go alone, and all do to an enclave that knows no other way.
/// </summary>
internal sealed class EnclaveCalls : IDisposable
{
    /// <summary>Bytes of a call that may go with others.</summary>
    private const int MostBytes = 64 * 1024;

    private static readonly CoalescerOptions Together = new();

    private readonly Contracts.Enclave.Enclave.EnclaveClient _client;
    private readonly Coalescer<EnclaveCall, EnclaveOutcome> _many;
    private readonly TimeSpan _timeout;
    private volatile int _atOnce;

    public EnclaveCalls(Contracts.Enclave.Enclave.EnclaveClient client, TimeSpan timeout)
    {
        (_client, _timeout) = (client, timeout);
        _many = new Coalescer<EnclaveCall, EnclaveOutcome>(Together, SendAsync);
    }

    /// <summary>How many the enclave takes in one message, as it said last; 0 for an older one.</summary>
    public int AtOnce
    {
        set => _atOnce = value;
    }

    /// <exception cref="RpcException">As the call by itself.</exception>
    public async Task<SealReply> SealAsync(SealRequest request, CallOptions options)
    {
        if (IsAlone(request.CalculateSize()))
            return await _client.SealAsync(request, options).ConfigureAwait(false);
        var call = new EnclaveCall { Seal = request };
        return (await AskAsync(call, request.CalculateSize(), options.CancellationToken).ConfigureAwait(false)).Seal;
    }

    /// <param name="bytes">Of the payload.</param>
    /// <exception cref="RpcException">As the call by itself.</exception>
    public async Task<OpenReply> OpenAsync(OpenRequest request, int bytes, CallOptions options)
    {
        if (IsAlone(bytes))
            return await _client.OpenAsync(request, options).ConfigureAwait(false);
        return (await AskAsync(new EnclaveCall { Open = request }, bytes, options.CancellationToken).ConfigureAwait(false)).Open;
    }

    public void Dispose() => _many.Dispose();

    /// <summary>A call that is traced too: the context of a trace goes with a message of its own alone.</summary>
    private bool IsAlone(int bytes) => _atOnce < Together.MaxCalls || bytes > MostBytes || Activity.Current is { Recorded: true };

    private async Task<EnclaveOutcome> AskAsync(EnclaveCall call, int bytes, CancellationToken cancel)
    {
        var outcome = await _many.AskAsync(call, bytes, cancel).ConfigureAwait(false);
        if (outcome.Refusal is { } refusal)
            throw new RpcException(new Status((StatusCode)refusal.Status, refusal.Detail));
        return (outcome.Seal is null) == (call.Seal is null) && (outcome.Open is null) == (call.Open is null)
            ? outcome
            : throw new ArgumentException("an answer is of another kind than its call");
    }

    private async Task SendAsync(IReadOnlyList<CoalescedCall<EnclaveCall, EnclaveOutcome>> calls)
    {
        if (calls.Count == 1)
        {
            await SendAloneAsync(calls[0]).ConfigureAwait(false);
            return;
        }

        try
        {
            var request = new ManyRequest();
            request.Calls.AddRange(calls.Select(c => c.Ask));
            var reply = await _client.ManyAsync(request, Options(CancellationToken.None)).ConfigureAwait(false);
            if (reply.Outcomes.Count != calls.Count)
                throw new ArgumentException($"{reply.Outcomes.Count} answers to {calls.Count} calls");
            for (var i = 0; i < calls.Count; i++)
                calls[i].Answer(reply.Outcomes[i]);
        }
        catch (RpcException e) when (e.StatusCode is not (StatusCode.Unavailable or StatusCode.DeadlineExceeded or StatusCode.Cancelled))
        {
            // An older enclave has come back, or one of them is what no enclave can do: the others must not suffer for it.
            if (e.StatusCode == StatusCode.Unimplemented)
                _atOnce = 0;
            await Task.WhenAll(calls.Select(SendAloneAsync)).ConfigureAwait(false);
        }
    }

    private async Task SendAloneAsync(CoalescedCall<EnclaveCall, EnclaveOutcome> call)
    {
        try
        {
            var options = Options(call.Cancel);
            call.Answer(call.Ask.CallCase == EnclaveCall.CallOneofCase.Seal
                ? new EnclaveOutcome { Seal = await _client.SealAsync(call.Ask.Seal, options).ConfigureAwait(false) }
                : new EnclaveOutcome { Open = await _client.OpenAsync(call.Ask.Open, options).ConfigureAwait(false) });
        }
        catch (Exception e)
        {
            call.Fail(e);
        }
    }

    private CallOptions Options(CancellationToken cancel) => new(deadline: DateTime.UtcNow + _timeout, cancellationToken: cancel);
}
