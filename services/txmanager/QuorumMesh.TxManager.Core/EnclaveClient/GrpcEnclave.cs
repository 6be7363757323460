using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Enclave;
using QuorumMesh.Contracts.Identities;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Outbound;
using QuorumMesh.Primitives;
using QuorumMesh.Tls;
using QuorumMesh.TxManager.Core.Ports;
using AffectedPayload = QuorumMesh.Contracts.Payloads.AffectedPayload;
using Delivery = QuorumMesh.Contracts.Enclave.Delivery;
using DeliveryReceipts = QuorumMesh.Contracts.Enclave.DeliveryReceipts;
using RawPayload = QuorumMesh.Contracts.Payloads.RawPayload;

namespace QuorumMesh.TxManager.Core.EnclaveClient;

/// <summary>The enclave over gRPC: a Unix socket or TCP. Every call makes its own attempt, so that it recovers with the enclave.</summary>
public sealed class GrpcEnclave : IEnclave, IEnclaveIdentity, IDisposable
{
    private const int MaxMessage = 40 * 1024 * 1024;

    private readonly GrpcChannel _channel;
    private readonly Contracts.Enclave.Enclave.EnclaveClient _client;
    private readonly EnclaveCalls _calls;
    private readonly TimeSpan _timeout;
    private readonly string _address;

    /// <param name="address"><c>unix:/path</c>, <c>http://host:port</c> or <c>https://host:port</c>.</param>
    /// <param name="tls">For an https address.</param>
    public GrpcEnclave(string address, TimeSpan timeout, OutboundHandlers handlers, TlsClient? tls = null)
    {
        _timeout = timeout;
        _address = address;
        var socketPath = SocketPath(address);
        _channel = GrpcChannel.ForAddress(socketPath is null ? address : "http://localhost", new GrpcChannelOptions
        {
            HttpHandler = handlers.Create(OutboundLimits.Enclave, socketPath, "enclave", tls),
            DisposeHttpClient = true,
            MaxReceiveMessageSize = MaxMessage,
            MaxSendMessageSize = MaxMessage,
        });
        _client = new Contracts.Enclave.Enclave.EnclaveClient(_channel);
        _calls = new EnclaveCalls(_client, timeout);
    }

    /// <inheritdoc/>
    public Task<EnclaveKeys> KeysAsync(CancellationToken cancel) => CallAsync(Failure.EnclaveUnavailable, async options =>
    {
        var reply = await _client.KeysAsync(new KeysRequest(), options).ConfigureAwait(false);
        _calls.AtOnce = reply.CallsAtOnce;
        var active = reply.Keys.Where(k => k.State != KeyState.Retired).ToList();
        var retired = reply.Keys.Where(k => k.State == KeyState.Retired).ToList();
        var successors = new Dictionary<PublicKey, PublicKey>();
        foreach (var key in retired.Where(k => k.Id.Length > 0))
            if (active.Find(a => a.Id == key.Id) is { } successor)
                successors[Messages.Key(key.PublicKey)] = Messages.Key(successor.PublicKey);
        return new EnclaveKeys(
            [.. active.Select(k => Messages.Key(k.PublicKey))],
            [.. retired.Select(k => Messages.Key(k.PublicKey))],
            [.. reply.AlwaysSendTo.Select(Messages.Key)])
        {
            Successors = successors,
            Revoked = [.. reply.Revoked.Select(Messages.Key)],
            Identity = reply.Identity.IsEmpty ? null : Messages.Key(reply.Identity),
        };
    }, cancel, _address);

    /// <inheritdoc/>
    public Task<SignedAnnouncement?> AnnounceAsync(long after, CancellationToken cancel) =>
        CallAsync<SignedAnnouncement?>(Failure.EnclaveUnavailable, async options =>
        {
            try
            {
                var reply = await _client.AnnounceAsync(new AnnounceRequest { After = after }, options).ConfigureAwait(false);
                var bytes = reply.Announcement.ToByteArray();
                return new SignedAnnouncement(KeyAnnouncementCodec.Decode(bytes), bytes, reply.Signature.ToByteArray());
            }
            catch (RpcException e) when (e.StatusCode is StatusCode.FailedPrecondition or StatusCode.Unimplemented)
            {
                return null;
            }
            catch (WireFormatException e)
            {
                throw new ArgumentException(e.Message, e);
            }
        }, cancel, _address);

    /// <inheritdoc/>
    public Task<byte[]> SignPresenceAsync(ReadOnlyMemory<byte> nonce, string url, CancellationToken cancel) =>
        CallAsync(Failure.EnclaveUnavailable, async options =>
        {
            var presence = new Presence { Nonce = UnsafeByteOperations.UnsafeWrap(nonce), Url = url };
            var reply = await _client.SignAsync(new SignRequest { Presence = presence }, options).ConfigureAwait(false);
            return reply.Signature.ToByteArray();
        }, cancel);

    /// <inheritdoc/>
    public Task<byte[]> SignReceiptsAsync(
        DateTimeOffset keptAt, Guid store, IReadOnlyList<Contracts.Identities.Delivery> deliveries, CancellationToken cancel) =>
        CallAsync(Failure.EnclaveUnavailable, async options =>
        {
            var receipts = new DeliveryReceipts
            {
                KeptAtMs = keptAt.ToUnixTimeMilliseconds(),
                Store = UnsafeByteOperations.UnsafeWrap(store.ToByteArray(bigEndian: true)),
            };
            receipts.Deliveries.AddRange(deliveries.Select(d => new Delivery
            {
                PayloadHash = UnsafeByteOperations.UnsafeWrap(d.Hash.ToArray()),
                RecipientKey = Messages.Bytes(d.Recipient),
            }));
            var reply = await _client.SignAsync(new SignRequest { DeliveryReceipts = receipts }, options).ConfigureAwait(false);
            return reply.Signature.ToByteArray();
        }, cancel);

    /// <inheritdoc/>
    public Task<EncodedPayload> SealAsync(ReadOnlyMemory<byte> payload, PublicKey sender, IReadOnlyList<PublicKey> recipients,
        IReadOnlyList<AffectedPayload> affected, CancellationToken cancel) =>
        SealAsync(new SealRequest { Payload = UnsafeByteOperations.UnsafeWrap(payload), SenderKey = Messages.Bytes(sender) }, recipients,
            affected, cancel);

    /// <inheritdoc/>
    public Task<EncodedPayload> SealStoredAsync(RawPayload raw, IReadOnlyList<PublicKey> recipients,
        IReadOnlyList<AffectedPayload> affected, CancellationToken cancel) =>
        SealAsync(new SealRequest { Raw = Messages.Raw(raw), SenderKey = Messages.Bytes(raw.SenderKey) }, recipients, affected, cancel);

    /// <inheritdoc/>
    public Task<RawPayload> SealRawAsync(ReadOnlyMemory<byte> payload, PublicKey sender, CancellationToken cancel) =>
        CallAsync(Failure.KeyNotFound, async options =>
        {
            var request = new SealRawRequest { Payload = UnsafeByteOperations.UnsafeWrap(payload), SenderKey = Messages.Bytes(sender) };
            var reply = await _client.SealRawAsync(request, options).ConfigureAwait(false);
            return Messages.Raw(reply.Raw);
        }, cancel, bytes: payload.Length);

    /// <inheritdoc/>
    public Task<OpenedPayload> OpenAsync(EncodedPayload payload, PublicKey? ownKey, CancellationToken cancel) =>
        CallAsync(Failure.NoSuitableKey, async options =>
        {
            var key = ownKey is null ? ByteString.Empty : Messages.Bytes(ownKey);
            var request = new OpenRequest { Sealed = Messages.Sealed(payload), OwnKey = key };
            var reply = await _calls.OpenAsync(request, payload.CipherText.Length, options).ConfigureAwait(false);
            return new OpenedPayload(reply.Payload.ToByteArray(), Messages.Key(reply.KeyUsed));
        }, cancel, bytes: payload.CipherText.Length);

    /// <inheritdoc/>
    public Task<byte[]> OpenRawAsync(RawPayload raw, CancellationToken cancel) => CallAsync(Failure.NoSuitableKey, async options =>
    {
        var reply = await _client.OpenAsync(new OpenRequest { Raw = Messages.Raw(raw) }, options).ConfigureAwait(false);
        return reply.Payload.ToByteArray();
    }, cancel, bytes: raw.CipherText.Length);

    /// <inheritdoc/>
    public Task<byte[]> AddBoxAsync(EncodedPayload payload, PublicKey recipient, CancellationToken cancel) =>
        CallAsync(Failure.KeyNotFound, async options =>
        {
            var request = new AddBoxRequest { Sealed = Messages.Sealed(payload), RecipientKey = Messages.Bytes(recipient) };
            var reply = await _client.AddBoxAsync(request, options).ConfigureAwait(false);
            return reply.Box.ToByteArray();
        }, cancel, bytes: payload.CipherText.Length);

    /// <inheritdoc/>
    public Task<IReadOnlyList<PayloadHash>> UnprovenAsync(
        EncodedPayload payload, IReadOnlyList<AffectedPayload> affected, CancellationToken cancel)
    {
        var request = new CheckSecurityHashesRequest { Sealed = Messages.Sealed(payload) };
        request.SecurityHashes.AddRange(payload.AffectedTransactions.Select(Messages.Proof));
        request.Affected.AddRange(affected.Select(Messages.Affected));
        return CallAsync<IReadOnlyList<PayloadHash>>(Failure.NoSuitableKey, async options =>
        {
            var reply = await _client.CheckSecurityHashesAsync(request, options).ConfigureAwait(false);
            return [.. reply.InvalidHashes.Select(h => new PayloadHash(h.Span))];
        }, cancel, bytes: request.CalculateSize());
    }

    public void Dispose()
    {
        _calls.Dispose();
        _channel.Dispose();
    }

    /// <returns>Null for TCP.</returns>
    private static string? SocketPath(string address)
    {
        if (!address.StartsWith("unix:", StringComparison.OrdinalIgnoreCase))
            return null;
        return address[5..].StartsWith("//", StringComparison.Ordinal) ? address[7..] : address[5..];
    }

    private Task<EncodedPayload> SealAsync(SealRequest request, IReadOnlyList<PublicKey> recipients,
        IReadOnlyList<AffectedPayload> affected, CancellationToken cancel)
    {
        request.RecipientKeys.AddRange(recipients.Select(Messages.Bytes));
        request.Affected.AddRange(affected.Select(Messages.Affected));
        return CallAsync(Failure.KeyNotFound, async options =>
        {
            var reply = await _calls.SealAsync(request, options).ConfigureAwait(false);
            return Messages.Sealed(reply.Sealed) with { AffectedTransactions = [.. reply.SecurityHashes.Select(Messages.Proof)] };
        }, cancel, bytes: request.CalculateSize());
    }

    /// <param name="name">The enclave in errors: by its address only in those for our own log and readiness, for the others may go to
    /// strangers.</param>
    /// <param name="bytes">Of the payload: each MiB has a second more.</param>
    private async Task<T> CallAsync<T>(
        Failure unknownKey, Func<CallOptions, Task<T>> call, CancellationToken cancel, string name = "it", long bytes = 0)
    {
        try
        {
            // An enclave that hangs must not hold a send, or a push that a peer waits for, without end.
            var deadline = DateTime.UtcNow + _timeout + TimeSpan.FromSeconds(bytes >> 20);
            return await call(new CallOptions(deadline: deadline, cancellationToken: cancel)).ConfigureAwait(false);
        }
        catch (RpcException e)
        {
            cancel.ThrowIfCancellationRequested();
            throw e.StatusCode switch
            {
                // The enclave tells an unknown key from bytes that do not open; what an unknown key means depends on the call.
                StatusCode.NotFound => new PrivacyException(unknownKey, e.Status.Detail, e),
                StatusCode.InvalidArgument => new PrivacyException(Failure.InvalidPayload, e.Status.Detail, e),
                StatusCode.DeadlineExceeded => PrivacyException.Enclave($"{name} did not answer in time", e),
                // Its own answer, not the client's: it waits for a vault, whose address is for our own log alone.
                StatusCode.Unavailable when e.Status.DebugException is null => PrivacyException.Enclave(
                    name == _address ? $"{name} has no keys now: {e.Status.Detail}" : "it has no keys now", e),
                StatusCode.Unavailable => PrivacyException.Enclave($"no connection to {name}", e),
                _ => PrivacyException.Enclave($"it answered {e.StatusCode}", e),
            };
        }
        catch (Exception e) when (e is ArgumentException or HttpRequestException)
        {
            throw PrivacyException.Enclave("its answer cannot be understood", e);
        }
    }
}
