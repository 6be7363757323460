using System.Buffers;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Identities;
using QuorumMesh.Contracts.Parties;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Enclave.Core;
using QuorumMesh.Primitives;
using QuorumMesh.TxManager.Core;
using QuorumMesh.TxManager.Core.Identities;
using QuorumMesh.TxManager.Core.Keys;
using QuorumMesh.TxManager.Core.Parties;
using QuorumMesh.TxManager.Core.Ports;

namespace QuorumMesh.Tests.Shared.Managers;

/// <summary>Managers that call each other in memory under a clock that stands still; each URL answers as its owner wants.</summary>
internal sealed class PartyWorld
{
    public FakeTimeProvider Clock { get; } = new();

    /// <summary>What each URL does with a challenge; a URL that is not there is down.</summary>
    public Dictionary<string, Func<ReadOnlyMemory<byte>, Task<string>>> Provers { get; } = [];

    /// <summary>What each URL lists when it is asked whom it knows.</summary>
    public Dictionary<string, string[]> Lists { get; } = [];

    /// <summary>What each URL answers to a question for its identity; one that is not there has no such route.</summary>
    public Dictionary<string, Func<ReadOnlyMemory<byte>, Task<byte[]?>>> Identities { get; } = [];

    /// <summary>What each URL's answers say of its announcement.</summary>
    public Dictionary<string, Func<string?>> Tags { get; } = [];

    /// <summary>Calls that our managers made, by URL.</summary>
    public List<string> Calls { get; } = [];

    public static PublicKey Key(byte b) => new(Enumerable.Repeat(b, 32).ToArray());

    public Manager Ours(string url, PublicKey key, Func<PartySettings, PartySettings>? change = null, params string[] seeds)
    {
        var settings = new PartySettings { OwnUrl = url, Seeds = seeds };
        var manager = new Manager(this, change?.Invoke(settings) ?? settings, key);
        Provers[url] = challenge => manager.Service.ProveAsync(challenge, default);
        return manager;
    }

    /// <summary>As <see cref="Ours"/>, with an identity.</summary>
    /// <param name="seed">Of the identity.</param>
    public Manager OursOf(byte seed, string url, PublicKey key, Func<PartySettings, PartySettings>? change = null, params string[] seeds)
    {
        var settings = new PartySettings { OwnUrl = url, Seeds = seeds };
        var manager = new Manager(this, change?.Invoke(settings) ?? settings, key, seed);
        Provers[url] = challenge => manager.Service.ProveAsync(challenge, default);
        Identities[url] = async nonce => (await manager.Own!.AnswerAsync(nonce, default))?.Write();
        Tags[url] = () =>
        {
            // Nothing here waits for anything.
            Assert.True(manager.Own!.RefreshAsync(default).IsCompletedSuccessfully);
            return manager.Own.Tag;
        };
        return manager;
    }

    /// <summary>A manager as the issue has Tessera's: whoever asks, it opens and answers what is a UUID.</summary>
    public void Tessera(string url, params PublicKey[] keys) => Provers[url] = challenge =>
    {
        var payload = LegacyPayloadCodec.Decode(challenge.Span);
        var text = Encoding.ASCII.GetString(payload.CipherText);
        return !keys.Contains(payload.RecipientKeys[0]) ? throw new PrivacyException(Failure.KeyNotFound, "no such key")
            : Guid.TryParse(text, out _) ? Task.FromResult(text)
            : throw new PrivacyException(Failure.PeerRefused, "no UUID");
    };

    /// <summary>One that has no key: it hands each challenge on.</summary>
    public void Relay(string url, string to) => Provers[url] = challenge => ProveAsync(to, challenge);

    public Task<string> ProveAsync(string url, ReadOnlyMemory<byte> challenge) =>
        Provers.TryGetValue(url, out var prover) ? prover(challenge) : throw new PrivacyException(Failure.PeerOffline, "down");

    public static byte[] Info(string url, IEnumerable<PublicKey> keys, params string[] parties) =>
        PartyInfoCodec.Encode(new PartyInfo(url, [.. keys.Select(k => new RecipientEntry(k, url))], parties));

    internal sealed class Manager : IPeerClient, IEnclave, IEnclaveIdentity
    {
        private readonly PartyWorld _world;
        private readonly IdentityKey? _signer;

        /// <param name="identity">The seed of its identity; null: it has none, and asks nobody for his.</param>
        public Manager(PartyWorld world, PartySettings settings, PublicKey key, byte? identity = null, IdentityStoreModel? store = null,
            IReadOnlyDictionary<PublicKey, PublicKey>? configured = null)
        {
            _world = world;
            Announced = [new AnnouncedKey(key, AnnouncedState.Active)];
            Settings = settings;
            Store = store ?? new IdentityStoreModel();
            Directory = new PartyDirectory(settings, world.Clock);
            Directory.Told += Told.Add;
            Keys = new OwnKeys(this, []);
            Book = new IdentityBook(world.Clock, configured);
            Book.Load(Store.Known, Book.Changes);
            if (identity is { } seed)
            {
                using var secret = SecretBuffer.CopyOf([.. Enumerable.Repeat(seed, 32)]);
                _signer = new IdentityKey(secret);
                Own = new OwnIdentity(this, Store, Book, Keys, settings.OwnUrl);
                Peers = new PeerIdentities(Book, Own, Store, Directory, Keys, this, this, world.Clock);
            }

            Service = new PartyInfoService(settings, Directory, Keys, this, this, world.Clock, Peers, Own);
        }

        /// <summary>Its enclave signs no receipts.</summary>
        public bool SignsNothing { get; set; }

        /// <summary>What its enclave announces.</summary>
        public AnnouncedKey[] Announced { get; set; }

        public OwnKeys Keys { get; }

        public IdentityBook Book { get; }

        public IdentityStoreModel Store { get; }

        public OwnIdentity? Own { get; }

        public PeerIdentities? Peers { get; }

        public PublicKey Identity => new(_signer!.PublicKey);

        public PartySettings Settings { get; }

        public PartyDirectory Directory { get; }

        public PartyInfoService Service { get; }

        public List<string> Told { get; } = [];

        /// <summary>Someone says: this URL has these keys.</summary>
        /// <returns>Why it was refused; null when it was taken.</returns>
        public async Task<Failure?> HearAsync(string url, PublicKey[] keys, string source = "10.0.0.1", params string[] parties)
        {
            try
            {
                await Service.ReceiveAsync(Info(url, keys, parties), source, default);
                return null;
            }
            catch (PrivacyException e)
            {
                return e.Failure;
            }
        }

        /// <summary>Polls those that are due, once.</summary>
        public async Task PollAsync()
        {
            foreach (var url in Directory.TakeDue(16))
            {
                var success = false;
                try
                {
                    var tag = await SendPartyInfoAsync(url, await Service.OwnAsync(default), default);
                    success = true;
                    await Service.FollowUpAsync(url, tag, default);
                }
                catch (PrivacyException)
                {
                    // It is down, or lists nobody.
                }

                Directory.Polled(url, success);
            }
        }

        public Task PushAsync(string peerUrl, ReadOnlySequence<byte> encodedPayload, CancellationToken cancel) =>
            throw new NotSupportedException();

        public Task PushBatchAsync(string peerUrl, IReadOnlyList<byte[]> encodedPayloads, CancellationToken cancel) =>
            throw new NotSupportedException();

        public Task PushGroupAsync(string peerUrl, byte[] encodedGroup, CancellationToken cancel) => throw new NotSupportedException();

        public Task<string?> SendPartyInfoAsync(string peerUrl, PartyInfo info, CancellationToken cancel)
        {
            _world.Calls.Add(peerUrl);
            return _world.Provers.ContainsKey(peerUrl) ? Task.FromResult(_world.Tags.GetValueOrDefault(peerUrl)?.Invoke())
                : throw new PrivacyException(Failure.PeerOffline, "down");
        }

        public Task<byte[]?> IdentityAsync(string peerUrl, ReadOnlyMemory<byte> nonce, CancellationToken cancel)
        {
            _world.Calls.Add(peerUrl + "identity");
            return !_world.Provers.ContainsKey(peerUrl) ? throw new PrivacyException(Failure.PeerOffline, "down")
                : _world.Identities.TryGetValue(peerUrl, out var identity) ? identity(nonce) : Task.FromResult<byte[]?>(null);
        }

        public Task<SignedAnnouncement?> AnnounceAsync(long after, CancellationToken cancel)
        {
            var serial = Math.Max(_world.Clock.GetUtcNow().ToUnixTimeMilliseconds(), after + 1);
            return Task.FromResult<SignedAnnouncement?>(Signed(new KeyAnnouncement(Identity, serial, Announced)));
        }

        public Task<byte[]> SignPresenceAsync(ReadOnlyMemory<byte> nonce, string url, CancellationToken cancel) =>
            Task.FromResult(_signer!.Sign(IdentityStatement.Presence(nonce.Span, url)));

        public Task<byte[]> SignReceiptsAsync(
            DateTimeOffset keptAt, Guid store, IReadOnlyList<Delivery> deliveries, CancellationToken cancel) =>
            SignsNothing ? throw PrivacyException.Enclave("not now")
                : Task.FromResult(_signer!.Sign(IdentityStatement.DeliveryReceipts(keptAt, store, deliveries)));

        /// <summary>Whatever is to be said in this identity's name.</summary>
        public SignedAnnouncement Signed(KeyAnnouncement announcement)
        {
            var bytes = KeyAnnouncementCodec.Encode(announcement);
            return new SignedAnnouncement(announcement, bytes, _signer!.Sign(IdentityStatement.OwnKeys(bytes)));
        }

        /// <summary>Its keys are others now.</summary>
        public async Task ChangeKeysAsync(params AnnouncedKey[] announced)
        {
            Announced = announced;
            await Keys.RefreshAsync(default);
            if (Own is not null)
                await Own.RefreshAsync(default);
        }

        public async Task<string> ValidateAsync(string peerUrl, ReadOnlyMemory<byte> encodedChallenge, CancellationToken cancel)
        {
            _world.Calls.Add(peerUrl);
            try
            {
                return await _world.ProveAsync(peerUrl, encodedChallenge);
            }
            catch (PrivacyException e) when (e.Failure is not (Failure.KeyNotFound or Failure.PeerOffline))
            {
                throw new PrivacyException(Failure.PeerRefused, e.Message);
            }
        }

        public Task<IReadOnlyList<string>> KnownPeersAsync(string peerUrl, CancellationToken cancel)
        {
            _world.Calls.Add(peerUrl);
            return Task.FromResult<IReadOnlyList<string>>(
                _world.Lists.TryGetValue(peerUrl, out var urls) ? urls : throw new PrivacyException(Failure.PeerRefused, "lists nobody"));
        }

        public Task<IReadOnlyList<KnownKey>> KnownKeysAsync(string peerUrl, CancellationToken cancel) => throw new NotSupportedException();

        public Task ResendBatchAsync(string peerUrl, PublicKey key, int batchSize, CancellationToken cancel) =>
            throw new NotSupportedException();

        public Task ResendAllAsync(string peerUrl, PublicKey key, CancellationToken cancel) => throw new NotSupportedException();

        public Task<EnclaveKeys> KeysAsync(CancellationToken cancel)
        {
            var retired = Announced.Where(k => k.State == AnnouncedState.Retired).ToList();
            return Task.FromResult(new EnclaveKeys(
                [.. Announced.Where(k => k.State == AnnouncedState.Active).Select(k => k.Key)], [.. retired.Select(k => k.Key)], [])
            {
                Successors = retired.ToDictionary(k => k.Key, k => k.Successor!),
                Revoked = [.. Announced.Where(k => k.State == AnnouncedState.Revoked).Select(k => k.Key)],
            });
        }

        public Task<EncodedPayload> SealAsync(ReadOnlyMemory<byte> payload, PublicKey sender, IReadOnlyList<PublicKey> recipients,
            IReadOnlyList<AffectedPayload> affected, CancellationToken cancel) =>
            Task.FromResult(new EncodedPayload
            {
                SenderKey = sender,
                CipherText = payload.ToArray(),
                CipherTextNonce = new byte[24],
                RecipientBoxes = [new byte[48]],
                RecipientNonce = new byte[24],
                RecipientKeys = recipients,
            });

        public Task<OpenedPayload> OpenAsync(EncodedPayload payload, PublicKey? ownKey, CancellationToken cancel) =>
            Task.FromResult(new OpenedPayload(payload.CipherText, ownKey!));

        public Task<EncodedPayload> SealStoredAsync(RawPayload raw, IReadOnlyList<PublicKey> recipients,
            IReadOnlyList<AffectedPayload> affected, CancellationToken cancel) =>
            throw new NotSupportedException();

        public Task<RawPayload> SealRawAsync(ReadOnlyMemory<byte> payload, PublicKey sender, CancellationToken cancel) =>
            throw new NotSupportedException();

        public Task<byte[]> OpenRawAsync(RawPayload raw, CancellationToken cancel) => throw new NotSupportedException();

        public Task<IReadOnlyList<PayloadHash>> UnprovenAsync(EncodedPayload payload, IReadOnlyList<AffectedPayload> affected,
            CancellationToken cancel) => throw new NotSupportedException();

        public Task<byte[]> AddBoxAsync(EncodedPayload payload, PublicKey recipient, CancellationToken cancel) =>
            throw new NotSupportedException();
    }

    /// <summary>A store of pins in memory, by the promises of the port.</summary>
    internal sealed class IdentityStoreModel : IIdentityStore
    {
        private readonly Dictionary<PublicKey, KeyPin> _pins = [];
        private readonly Dictionary<PublicKey, long> _serials = [];
        private readonly Dictionary<PublicKey, long> _accepted = [];
        private long _own;

        public KnownIdentities Known => new([.. _pins.Values], new Dictionary<PublicKey, long>(_serials))
        {
            Accepted = new Dictionary<PublicKey, long>(_accepted),
        };

        public Task<KnownIdentities> IdentitiesAsync(CancellationToken cancel) => Task.FromResult(Known);

        public Task SavePinsAsync(PublicKey identity, long serial, IReadOnlyList<KeyPin> pins, CancellationToken cancel)
        {
            _serials[identity] = Math.Max(serial, _serials.GetValueOrDefault(identity));
            foreach (var pin in pins)
                _pins[pin.Key] = pin;
            return Task.CompletedTask;
        }

        public Task<bool> ForgetPinAsync(PublicKey key, CancellationToken cancel) => Task.FromResult(_pins.Remove(key));

        public Task AcceptPinAsync(KeyPin pin, long serial, CancellationToken cancel)
        {
            (_pins[pin.Key], _accepted[pin.Key]) = (pin, serial);
            _serials.TryAdd(pin.Identity, 0);
            return Task.CompletedTask;
        }

        public Task<long> OwnSerialAsync(CancellationToken cancel) => Task.FromResult(_own);

        public Task SaveOwnSerialAsync(long serial, CancellationToken cancel)
        {
            _own = Math.Max(_own, serial);
            return Task.CompletedTask;
        }
    }
}
