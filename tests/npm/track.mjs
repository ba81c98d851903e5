// Track with Segment's and Snowplow's own clients: node track.mjs PORT KEY
import { Analytics } from '@segment/analytics-node'
import { buildPageView, buildSelfDescribingEvent, newTracker } from '@snowplow/node-tracker'

const [port, key] = process.argv.slice(2)
const host = `http://127.0.0.1:${port}`

const analytics = new Analytics({ writeKey: key, host })
analytics.on('error', (error) => console.error('segment', error.code))
analytics.identify({ userId: 'ann', anonymousId: 'device_1', traits: { industry: 'fintech' } })
analytics.track({
  userId: 'ann',
  event: 'Order Completed',
  properties: { order_id: '7', total: 19.99, currency: 'EUR', products: [{ sku: 'd20' }] },
})
await analytics.closeAndFlush()

// resolves when the tracker has its answer
const sent = (configuration, endpoint, build) =>
  new Promise((done) => {
    const told = (what) => () => {
      if (what) console.error('snowplow', what)
      done()
    }
    const tracker = newTracker(
      { namespace: 'web', ...configuration },
      {
        endpoint,
        eventMethod: build.method,
        bufferSize: 1,
        onRequestSuccess: told(''),
        onRequestFailure: told('failed'),
      },
    )
    tracker.setUserId('ann')
    tracker.track(build.event)
  })

await sent({ appId: key }, host, {
  method: 'post',
  event: buildPageView({ pageUrl: 'https://shop.example/games' }),
})
await sent({ appId: 'games' }, `${host}/${key}`, {
  method: 'get',
  event: buildSelfDescribingEvent({
    event: {
      schema: 'iglu:com.example/feature_used/jsonschema/1-0-0',
      data: { feature_name: 'dice' },
    },
  }),
})
process.exit(0)
