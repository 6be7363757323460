using System.Buffers;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Parties;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Primitives;
using QuorumMesh.TxManager.Core;
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

    internal sealed class Manager : IPeerClient, IEnclave
    {
        private readonly PartyWorld _world;
        private readonly PublicKey _own;

        public Manager(PartyWorld world, PartySettings settings, PublicKey key)
        {
            _world = world;
            _own = key;
            Settings = settings;
            Directory = new PartyDirectory(settings, world.Clock);
            Directory.Told += Told.Add;
            Service = new PartyInfoService(settings, Directory, new OwnKeys(this, []), this, this, world.Clock);
        }

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
                    await SendPartyInfoAsync(url, await Service.OwnAsync(default), default);
                    success = true;
                    await Service.FollowUpAsync(url, default);
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

        public Task SendPartyInfoAsync(string peerUrl, PartyInfo info, CancellationToken cancel)
        {
            _world.Calls.Add(peerUrl);
            return _world.Provers.ContainsKey(peerUrl) ? Task.CompletedTask : throw new PrivacyException(Failure.PeerOffline, "down");
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

        public Task<EnclaveKeys> KeysAsync(CancellationToken cancel) => Task.FromResult(new EnclaveKeys([_own], [], []));

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
}
