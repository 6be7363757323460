using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Identities;
using QuorumMesh.TxManager.Core.Keys;
using QuorumMesh.TxManager.Core.Ports;

namespace QuorumMesh.TxManager.Core.Identities;

/// <summary>What our enclave's identity says of its keys, made anew when those change.</summary>
public sealed class OwnIdentity : IDisposable
{
    private readonly IEnclaveIdentity _enclave;
    private readonly IIdentityStore _store;
    private readonly IdentityBook _book;
    private readonly string _ownUrl;
    private readonly SemaphoreSlim _turn = new(1, 1);

    /// <summary>Signatures that are made at once for whoever asks.</summary>
    private readonly SemaphoreSlim _presences = new(4, 4);

    private volatile Made? _made;
    private volatile int _wanted = 1;

    /// <param name="ownUrl">Our P2P address, normalised.</param>
    public OwnIdentity(IEnclaveIdentity enclave, IIdentityStore store, IdentityBook book, OwnKeys ownKeys, string ownUrl)
    {
        (_enclave, _store, _book, _ownUrl) = (enclave, store, book, ownUrl);
        ownKeys.Changed += () => Interlocked.Increment(ref _wanted);
    }

    /// <summary>The identity; null where there is none, or nothing was announced yet.</summary>
    public PublicKey? Key => _made?.Announcement?.Announcement.Identity;

    /// <summary>Names what we announce (<see cref="IdentityAnswer.Tag"/>); null as <see cref="Key"/>.</summary>
    public string? Tag => _made?.Tag;

    /// <summary>Makes the announcement anew where the keys have changed since.</summary>
    /// <exception cref="PrivacyException">The enclave or the store is away; what was announced before stays.</exception>
    public async Task RefreshAsync(CancellationToken cancel)
    {
        if (_made is { } current && current.Number == _wanted)
            return;
        await _turn.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            var number = _wanted;
            if (_made is { } made && made.Number == number)
                return;
            var last = await _store.OwnSerialAsync(cancel).ConfigureAwait(false);
            var announcement = await _enclave.AnnounceAsync(last, cancel).ConfigureAwait(false);
            // Durable before a peer sees it: after a restart with the clock set back the next one must be later all the same.
            if (announcement is not null)
            {
                await _store.SaveOwnSerialAsync(announcement.Announcement.Serial, cancel).ConfigureAwait(false);
                _book.TakeOwn(announcement.Announcement);
            }

            _made = new Made(number, announcement, announcement is null ? null : IdentityAnswer.Tag(announcement.Bytes));
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Answers a peer that asks who we are.</summary>
    /// <returns>Null where there is no identity.</returns>
    /// <exception cref="PrivacyException"><see cref="Failure.BadRequest"/>: the question has not 32 bytes. <see cref="Failure.Busy"/>: too
    /// many ask at once.</exception>
    public async Task<IdentityAnswer?> AnswerAsync(ReadOnlyMemory<byte> nonce, CancellationToken cancel)
    {
        if (nonce.Length != IdentityAnswer.NonceSize)
            throw new PrivacyException(Failure.BadRequest, $"The body must have {IdentityAnswer.NonceSize} random bytes");
        await RefreshAsync(cancel).ConfigureAwait(false);
        if (_made?.Announcement is not { } announcement)
            return null;
        if (!await _presences.WaitAsync(TimeSpan.FromSeconds(2), cancel).ConfigureAwait(false))
            throw new PrivacyException(Failure.Busy, "Too many ask for the identity; try again later");
        try
        {
            return new IdentityAnswer(
                await _enclave.SignPresenceAsync(nonce, _ownUrl, cancel).ConfigureAwait(false), announcement);
        }
        finally
        {
            _presences.Release();
        }
    }

    public void Dispose()
    {
        _turn.Dispose();
        _presences.Dispose();
    }

    /// <param name="Number">Which change of the keys it follows.</param>
    private sealed record Made(int Number, SignedAnnouncement? Announcement, string? Tag);
}
