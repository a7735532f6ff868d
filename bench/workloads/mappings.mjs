// The workloads as mappings, with the types of their columns: plain JavaScript, so that a load runs from dist/ as a
// user's does, without a loader that would count as the client's time and memory.
import { node, relationship } from 'graphweft';

const airport = (column) => node('Airport', { iata: column });
const location = (column) => node('Location', { id: column });
const trip = node(
  'Trip',
  {},
  {
    properties: {
      vendor: 'VendorID',
      pickedUpAt: 'tpep_pickup_datetime',
      droppedOffAt: 'tpep_dropoff_datetime',
      passengers: 'passenger_count',
      distance: 'trip_distance',
      fare: 'fare_amount',
      total: 'total_amount',
    },
    write: 'create',
  },
);

/** Of the file's 19 columns. */
const TRIP_TYPES = {
  VendorID: 'BIGINT',
  tpep_pickup_datetime: 'TIMESTAMP',
  tpep_dropoff_datetime: 'TIMESTAMP',
  passenger_count: 'BIGINT',
  trip_distance: 'DOUBLE',
  PULocationID: 'BIGINT',
  DOLocationID: 'BIGINT',
  fare_amount: 'DOUBLE',
  total_amount: 'DOUBLE',
};

export const MAPPINGS = {
  ratings: {
    types: { user_id: 'BIGINT', movie_id: 'BIGINT', rating: 'DOUBLE' },
    columns: ['user_id', 'movie_id', 'rating'],
    mapping: relationship('RATED', {
      from: node('User', { id: 'user_id' }, { write: 'merge' }),
      to: node('Movie', { id: 'movie_id' }, { write: 'merge' }),
      properties: ['rating'],
    }),
  },
  flights: {
    types: { date: 'TIMESTAMP', delay: 'BIGINT', distance: 'BIGINT' },
    mapping: relationship('FLIGHT', {
      from: airport('origin'),
      to: airport('destination'),
      properties: ['date', 'delay', 'distance'],
      write: 'create',
    }),
  },
  taxi: {
    types: TRIP_TYPES,
    columns: Object.keys(TRIP_TYPES),
    mapping: [
      relationship('PICKED_UP_AT', { from: trip, to: location('PULocationID'), write: 'create' }),
      relationship('DROPPED_OFF_AT', { from: trip, to: location('DOLocationID'), write: 'create' }),
    ],
  },
};
